import { describeStage, given, makeFrames } from '@deepearth/testing';
import { spec, type Description } from '@deepearth/core';
import { describeAlone } from '@deepearth/core/run-stage';
import { expect, test } from 'vitest';
import { sliding } from './sliding.ts';
import { still } from './still.ts';
import { uniform, uniformInTime, uniformIndices } from './uniform.ts';

describeStage(uniform, {
  options: { size: 4 },
  otherOptions: { size: 4, spacing: 'ends' },
  inputs: () => [given(makeFrames(10))],
  output: ([clip]) => expect(clip!.frames.map(({ number }) => number)).toEqual([0, 2, 5, 7]),
});

test('takes the first frame of equal parts, or includes both ends', () => {
  expect(uniformIndices(32, 16, 'start')).toEqual([0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30]);
  expect(uniformIndices(10, 4, 'ends')).toEqual([0, 3, 6, 9]);
  expect(uniformIndices(5, 1, 'ends')).toEqual([0]);
});

test('repeats frames, in order, when there are too few', () => {
  expect(uniformIndices(3, 6, 'start')).toEqual([0, 0, 1, 1, 2, 2]);
});

test('the plan warns of clips that may hold frames of two sizes', async () => {
  const stream = spec('frame', { height: null, width: null, channels: 3 }, 'uint8', 32);
  const said = async (windower: typeof sliding | typeof uniform | typeof still, mixedSizes: boolean) =>
    ((await describeAlone(windower, { inputs: [{ ...stream, ...(mixedSizes && { mixedSizes }) }] })) as Description)
      .warnings ?? [];
  for (const windower of [sliding, uniform]) {
    expect(await said(windower, true)).toEqual([
      expect.stringMatching(/differ in size.*E_FRAME_SIZE.*windower\/still/),
    ]);
    expect(await said(windower, false)).toEqual([]);
  }
  expect(await said(still, true)).toEqual([]);
});

describeStage(uniform, {
  title: 'by time',
  options: { size: 4, spacing: 'time' },
  inputs: () => [given([0, 1, 2, 3, 8].map((seconds, i) => ({ ...makeFrames(5)[i]!, seconds })))],
  // At 0, 3.25, 6.5 and 9.75 s of 13.
  output: ([clip]) => expect(clip!.frames.map(({ number }) => number)).toEqual([0, 3, 3, 4]),
});

test('is the same by time and by number where frames come at an even pace', () => {
  for (const [count, size] of [
    [32, 16],
    [10, 4],
    [3, 6],
    [1, 4],
  ] as const) {
    const times = Array.from({ length: count }, (_, i) => 7 + i / 30);
    expect(uniformInTime(times, size)).toEqual(uniformIndices(count, size, 'start'));
  }
});
