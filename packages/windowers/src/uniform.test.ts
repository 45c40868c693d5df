import { describeStage, given, makeFrames } from '@deepearth/testing';
import { expect, test } from 'vitest';
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
