import { describeStage, given, makeFrames } from '@deepearth/testing';
import { expect, test } from 'vitest';
import { uniform, uniformIndices } from './uniform.ts';

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
