import { describeAlone, runStage } from '@deepearth/runtime/run-stage';
import { isRefusal, spec, type Clip, type Description } from '@deepearth/core';
import { describeStage, given, makeFrames } from '@deepearth/testing';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { sliding, windowCount } from './sliding.ts';

describeStage(sliding, {
  options: { size: 4, stride: 2 },
  otherOptions: { size: 3 },
  inputs: () => [given(makeFrames(9))],
});
describeStage(sliding, {
  title: 'where the last clip is shifted',
  options: { size: 4, tail: 'shift' },
  inputs: () => [given(makeFrames(10))],
});

type Options = Parameters<typeof windowCountOf>[1];

async function clips(
  count: number,
  options: Options,
  onEvent?: (event: { type: string; message?: string }) => void,
): Promise<Clip[]> {
  const found: Clip[] = [];
  const input = { items: makeFrames(count), spec: spec('frame', { height: null, width: null, channels: 3 }, 'uint8') };
  for await (const clip of runStage(sliding, {
    options,
    inputs: [input],
    ...(onEvent && { onEvent: onEvent as never }),
  }))
    found.push(clip as Clip);
  return found;
}

const numbers = (all: readonly Clip[]): number[][] => all.map(({ frames }) => frames.map(({ number }) => number));

async function windowCountOf(
  count: number,
  options: { size?: number; stride?: number; tail?: 'pad' | 'shift' | 'drop' | 'error' },
): Promise<number | null> {
  const answer = await describeAlone(sliding, {
    options,
    inputs: [spec('frame', { height: 8, width: 8, channels: 3 }, 'uint8', count)],
  });
  return isRefusal(answer) ? -1 : answer.output.count;
}

describe('the clips', () => {
  test('lie side by side unless a stride is given', async () => {
    expect(numbers(await clips(6, { size: 3 }))).toEqual([
      [0, 1, 2],
      [3, 4, 5],
    ]);
    expect(numbers(await clips(5, { size: 3, stride: 1 }))).toEqual([
      [0, 1, 2],
      [1, 2, 3],
      [2, 3, 4],
    ]);
    expect(numbers(await clips(7, { size: 2, stride: 5 }))).toEqual([
      [0, 1],
      [5, 6],
    ]);
  });

  test('keep their key when only the stride changes, and have another for other frames', async () => {
    const [apart] = await clips(8, { size: 4 });
    const dense = await clips(8, { size: 4, stride: 1 });
    expect(dense[0]!.key).toBe(apart!.key);
    expect(new Set(dense.map(({ key }) => key)).size).toBe(5);
  });
});

describe('a tail that fills no clip', () => {
  test('is padded by repeating the last frame, and says how often', async () => {
    const found = await clips(6, { size: 4 });
    expect(numbers(found)).toEqual([
      [0, 1, 2, 3],
      [4, 5, 5, 5],
    ]);
    expect(found.map(({ padded }) => padded)).toEqual([0, 2]);
  });

  test('is no tail when every frame is in some clip already', async () => {
    expect(numbers(await clips(6, { size: 4, stride: 2 }))).toEqual([
      [0, 1, 2, 3],
      [2, 3, 4, 5],
    ]);
    expect(numbers(await clips(7, { size: 4, stride: 2 }))).toEqual([
      [0, 1, 2, 3],
      [2, 3, 4, 5],
      [4, 5, 6, 6],
    ]);
  });

  test('is shifted back so that the last clip is full', async () => {
    const found = await clips(6, { size: 4, tail: 'shift' });
    expect(numbers(found)).toEqual([
      [0, 1, 2, 3],
      [2, 3, 4, 5],
    ]);
    expect(found.map(({ padded }) => padded)).toEqual([0, 0]);
    expect(numbers(await clips(3, { size: 4, tail: 'shift' })), 'nothing to shift into').toEqual([[0, 1, 2, 2]]);
    expect(numbers(await clips(9, { size: 2, stride: 4, tail: 'shift' }))).toEqual([
      [0, 1],
      [4, 5],
      [7, 8],
    ]);
  });

  test('is dropped with a warning that counts and names the frames', async () => {
    const warnings: string[] = [];
    expect(
      numbers(
        await clips(
          6,
          { size: 4, tail: 'drop' },
          (event) => void (event.type === 'warning' && warnings.push(event.message!)),
        ),
      ),
    ).toEqual([[0, 1, 2, 3]]);
    expect(warnings).toEqual(['the last 2 frames fill no clip of 4 and are dropped (frame-000004 to frame-000005)']);
  });

  test('is refused before anything runs when it is to be an error and the count is known', async () => {
    expect(await windowCountOf(6, { size: 4, tail: 'error' })).toBe(-1);
    expect(await windowCountOf(8, { size: 4, tail: 'error' })).toBe(2);
    await expect(clips(6, { size: 4, tail: 'error' })).rejects.toThrow(/the last 2 frames fill no clip of 4/);
  });
});

test('counts windows as they come, and leaves no frame out but those between distant clips', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 40 }),
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 12 }),
      fc.constantFrom('pad' as const, 'shift' as const, 'drop' as const),
      async (count, size, stride, tail) => {
        const found = await clips(count, { size, stride, tail });
        expect(found.length).toBe(await windowCountOf(count, { size, stride, tail }));
        expect(found.every(({ frames }) => frames.length === size)).toBe(true);
        const { full, left } = windowCount(count, size, stride);
        expect(found.length).toBe(full + (left && tail !== 'drop' ? 1 : 0));
        if (tail !== 'drop' && stride <= size) expect(new Set(numbers(found).flat()).size).toBe(count);
      },
    ),
    { numRuns: 60 },
  );
});

test('says in the plan what becomes of the tail', async () => {
  const notes = async (tail: 'pad' | 'shift' | 'drop') => {
    const answer = await describeAlone(sliding, {
      options: { size: 16, tail },
      inputs: [spec('frame', { height: 8, width: 8, channels: 3 }, 'uint8', 35)],
    });
    return isRefusal(answer) ? [] : [...(answer.warnings ?? []), ...(answer.notes ?? [])];
  };
  expect(await notes('pad')).toEqual(['the last clip has 3 frames and repeats the last one: 81 % of it is padding']);
  expect(await notes('drop')).toEqual(['the last 3 frames fill no clip of 16 and are dropped']);
  expect(await notes('shift')).toEqual([
    'the last 3 frames fill no clip of 16; the last clip starts earlier and overlaps the one before',
  ]);
});

test('says that clips overlap where a stride or a shifted last clip makes them, and only there', async () => {
  const overlapping = async (options: object, count: number | null) =>
    (
      (await describeAlone(sliding, {
        options,
        inputs: [spec('frame', { height: 4, width: 4, channels: 3 }, 'uint8', count)],
      })) as Description
    ).output.overlapping;
  expect(await overlapping({ size: 4 }, 10)).toBeUndefined();
  expect(await overlapping({ size: 4, stride: 6 }, 10)).toBeUndefined();
  expect(await overlapping({ size: 4, stride: 2 }, 10)).toBe(true);
  expect(await overlapping({ size: 4, tail: 'shift' }, 10)).toBe(true);
  expect(await overlapping({ size: 4, tail: 'shift' }, null)).toBe(true);
  expect(await overlapping({ size: 4, tail: 'shift' }, 12)).toBeUndefined();
});
