import type { BundleIndex } from '@deepearth/sinks/explorer/bundle-index';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { clipOfFrame, frameOfStep, placed, stepOf, type Bundle } from './bundle.ts';

const clip = (sequence: number, frames: readonly number[], time: number) => ({
  sequence,
  frames,
  grid: [time, 2, 3] as const,
  geometry: { frameWidth: 3, frameHeight: 2, x: 0, y: 0, width: 3, height: 2 },
  chunk: 0,
  offset: 0,
});
const bundleOf = (clips: readonly ReturnType<typeof clip>[]): Bundle =>
  placed(
    { sequences: [{ numbers: [0, 1, 2, 3, 4, 5, 6] }, { numbers: [0, 1, 2] }], clips } as unknown as BundleIndex,
    '',
  );

test('the first frame of a step was seen by that step', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 16 }), fc.integer({ min: 1, max: 4 }), (time, each) => {
      const one = clip(
        0,
        Array.from({ length: time * each }, (_, i) => i + 7),
        time,
      );
      for (let step = 0; step < time; step++) expect(stepOf(one, frameOfStep(one, step))).toBe(step);
    }),
  );
});

test('of clips that overlap the one whose middle is nearest shows a frame', () => {
  const bundle = bundleOf([clip(0, [0, 1, 2, 3], 2), clip(0, [2, 3, 4, 5], 2), clip(1, [0, 1], 1)]);
  expect([0, 1, 2, 3, 4, 5].map((frame) => clipOfFrame(bundle, 0, frame))).toEqual([0, 0, 0, 1, 1, 1]);
  expect(clipOfFrame(bundle, 1, 1)).toBe(2);
  expect([clipOfFrame(bundle, 0, 6), clipOfFrame(bundle, 1, 2), clipOfFrame(bundle, 2, 0)]).toEqual(Array(3));
  expect([...bundle.stepsBefore, bundle.steps]).toEqual([0, 2, 4, 5]);
});
