import { tensor } from '@deepearth/core/tensor';
import { expect, test } from 'vitest';
import { cutPatches } from './patches.ts';

test('patches are cut in the order of a convolution’s kernel, leaving out what fills none', () => {
  const pixels = tensor(
    'float32',
    [1, 3, 3, 5, 4],
    Float32Array.from({ length: 180 }, (_, i) => i),
  );
  const patches = cutPatches(pixels, 2, 2);
  expect(patches.shape).toEqual([1, 4, 24]);
  // Second token: columns 2 and 3 of rows 0 and 1, channel by channel, frame by frame.
  expect(Array.from(patches.data.subarray(24, 32))).toEqual([2, 3, 6, 7, 62, 63, 66, 67]);
});
