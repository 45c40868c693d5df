import { describeStage, given, makeFrames } from '@deepearth/testing';
import { expect } from 'vitest';
import { still } from './still.ts';

describeStage(still, {
  options: { size: 3 },
  otherOptions: { size: 2 },
  inputs: () => [given(makeFrames(4))],
  output(clips) {
    expect(clips.map(({ frames }) => frames.map(({ number }) => number))).toEqual([
      [0, 0, 0],
      [1, 1, 1],
      [2, 2, 2],
      [3, 3, 3],
    ]);
    expect(clips.every(({ padded }) => padded === 2)).toBe(true);
  },
});
