import type { TokenGrid } from '@deepearth/core';
import { describeStage, given, makeClips, makeFrames } from '@deepearth/testing';
import { expect } from 'vitest';
// @ts-expect-error A plugin is plain JavaScript.
import { cells } from './my-encoder.mjs';

describeStage(cells, {
  inputs: () => [given(makeClips(5, { time: 4 }))],
  otherOptions: { rows: 6 },
  foreign: given(makeFrames(1)).spec,
  output: ([first]: readonly TokenGrid[]) => {
    expect(first!.values.shape).toEqual([2, 12, 12, 7]);
    expect(Math.max(...first!.values.data)).toBeLessThanOrEqual(1);
  },
  broken: {
    inputs: () => [given(makeClips(3, { time: 4, width: 8 }))],
    says: /8 x 24 pixels are fewer than 12 x 12 cells/,
    left: 0,
  },
});
