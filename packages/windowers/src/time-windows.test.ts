import { runStage } from '@deepearth/core/run-stage';
import type { Clip, Frame } from '@deepearth/core/items';
import { isRefusal } from '@deepearth/core/stage';
import { describeAlone } from '@deepearth/core/run-stage';
import { spec } from '@deepearth/core/specs';
import { describeStage, given, makeFrames } from '@deepearth/testing';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sliding } from './sliding.ts';

/** Frames at these seconds. */
const timed = (times: readonly number[]): Frame[] =>
  makeFrames(times.length).map((frame, i) => ({ ...frame, seconds: times[i]! }));
const steady = (count: number, interval: number): number[] => Array.from({ length: count }, (_, i) => i * interval);

async function run(times: readonly number[], options: object) {
  const warnings: string[] = [];
  const clips: Clip[] = [];
  const frames = timed(times);
  for await (const clip of runStage(sliding, {
    options: { size: 4, ...options },
    inputs: [given(frames, spec('frame', { height: 8, width: 8, channels: 3 }, 'uint8'))],
    onEvent: (event) => void (event.type === 'warning' && warnings.push(event.message)),
  }))
    clips.push(clip as Clip);
  return { clips, warnings, numbers: clips.map(({ frames: all }) => all.map(({ number }) => number)) };
}

describeStage(sliding, {
  title: 'by duration',
  options: { size: 4, durationSeconds: 1 },
  otherOptions: { size: 4, durationSeconds: 1, strideSeconds: 0.5 },
  inputs: () => [given(timed(steady(12, 0.25)))],
  ahead: 5,
});
describeStage(sliding, {
  title: 'that ends at pauses',
  options: { size: 3, maxGapSeconds: 1 },
  inputs: () => [given(timed([0, 1, 2, 10, 11, 12, 13, 30, 31, 32]))],
});

describe('clips of a duration', () => {
  test('have the frames that are on the screen at equal moments, whatever the pace', async () => {
    // Four moments in each second: 0, 0.25, 0.5, 0.75.
    expect((await run(steady(20, 0.1), { durationSeconds: 1 })).numbers).toEqual([
      [0, 2, 5, 7],
      [10, 12, 15, 17],
    ]);
    const uneven = [0, 0.1, 0.2, 0.6, 0.7, 1, 1.9, 2, 2.1, 2.5, 2.75];
    expect((await run(uneven, { durationSeconds: 1 })).numbers).toEqual([
      [0, 2, 2, 4],
      [5, 5, 5, 5],
      [7, 8, 9, 10],
    ]);
  });

  test('begin where they are wanted, overlapping or apart', async () => {
    expect((await run(steady(12, 0.25), { durationSeconds: 1, strideSeconds: 0.5 })).numbers).toEqual([
      [0, 1, 2, 3],
      [2, 3, 4, 5],
      [4, 5, 6, 7],
      [6, 7, 8, 9],
      [8, 9, 10, 11],
    ]);
    expect((await run(steady(12, 0.25), { durationSeconds: 1, strideSeconds: 2 })).numbers).toEqual([
      [0, 1, 2, 3],
      [8, 9, 10, 11],
    ]);
  });

  test('end at a pause, and are counted on behind it', async () => {
    const times = [...steady(6, 0.25), ...steady(4, 0.25).map((time) => time + 60)];
    const { clips, numbers, warnings } = await run(times, { durationSeconds: 1 });
    expect(numbers).toEqual([
      [0, 1, 2, 3],
      [4, 5, 5, 5],
      [6, 7, 8, 9],
    ]);
    expect(clips.map(({ index, padded }) => [index, padded])).toEqual([
      [0, 0],
      [1, 2],
      [2, 0],
    ]);
    expect(warnings).toEqual(['the last clip has 0.5 s of 1 s and repeats the last frame: 50 % of it is padding']);
  });

  test('treat a short tail as they are told', async () => {
    const times = steady(6, 0.25);
    expect((await run(times, { durationSeconds: 1, tail: 'shift' })).numbers).toEqual([
      [0, 1, 2, 3],
      [2, 3, 4, 5],
    ]);
    const dropped = await run(times, { durationSeconds: 1, tail: 'drop' });
    expect(dropped.numbers).toEqual([[0, 1, 2, 3]]);
    expect(dropped.warnings).toEqual([
      'the last 0.5 s (2 frames) fill no clip of 1 s and are dropped (frame-000004 to frame-000005)',
    ]);
    await expect(run(times, { durationSeconds: 1, tail: 'error' })).rejects.toMatchObject({ code: 'E_SHORT_TAIL' });
    expect((await run([0], { durationSeconds: 1 })).numbers).toEqual([[0, 0, 0, 0]]);
  });

  test('hold every frame of a steady sequence where there is room for it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 8 }), async (count, size) => {
        const { numbers } = await run(steady(count, 0.125), { size, durationSeconds: size / 8 });
        expect([...new Set(numbers.flat())]).toEqual([...Array(count).keys()]);
        expect(numbers).toHaveLength(Math.ceil(count / size));
      }),
      { numRuns: 30 },
    );
  });

  test('need frames with times, in order', async () => {
    const frames = makeFrames(3).map(({ seconds: _, at: __, ...frame }) => frame as Frame);
    const clips = runStage(sliding, { options: { durationSeconds: 1 }, inputs: [given(frames)] });
    await expect(clips.next()).rejects.toMatchObject({ code: 'E_NO_TIME', message: /has no time/ });
    await expect(run([0, 2, 1], { durationSeconds: 5 })).rejects.toMatchObject({ code: 'E_NO_TIME' });
    const instants = frames.map((frame, i) => ({ ...frame, at: `2024-01-01T00:00:0${i}Z` }));
    const byInstant = runStage(sliding, { options: { size: 3, durationSeconds: 3 }, inputs: [given(instants)] });
    expect(((await byInstant.next()).value as Clip).frames.map(({ number }) => number)).toEqual([0, 1, 2]);
  });
});

test('clips of a number of frames join none across a longer pause', async () => {
  const times = [0, 1, 2, 3, 4, 100, 101, 200, 201, 202, 203];
  const { numbers, clips, warnings } = await run(times, { maxGapSeconds: 10 });
  expect(numbers).toEqual([
    [0, 1, 2, 3],
    [4, 4, 4, 4],
    [5, 6, 6, 6],
    [7, 8, 9, 10],
  ]);
  expect(clips.map(({ index }) => index)).toEqual([0, 1, 2, 3]);
  expect(warnings).toHaveLength(2);
  expect((await run(times, { maxGapSeconds: 10, tail: 'drop' })).numbers).toHaveLength(2);
  expect((await run(times, { maxGapSeconds: 10, size: 2, tail: 'shift' })).numbers).toEqual([
    [0, 1],
    [2, 3],
    [3, 4],
    [5, 6],
    [7, 8],
    [9, 10],
  ]);
});

test('options that make no sense together are refused', async () => {
  const refused = async (options: object): Promise<string | undefined> => {
    const inputs = [spec('frame', { height: 8, width: 8, channels: 3 }, 'uint8', 20)];
    const answer = await describeAlone(sliding, { options, inputs });
    return isRefusal(answer) ? answer.option : undefined;
  };
  expect(await refused({ durationSeconds: 2, stride: 3 })).toBe('stride');
  expect(await refused({ strideSeconds: 2 })).toBe('strideSeconds');
  expect(await refused({ durationSeconds: 2, strideSeconds: 1, maxGapSeconds: 4 })).toBeUndefined();
});
