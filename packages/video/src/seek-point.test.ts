import fc from 'fast-check';
import { expect, test } from 'vitest';
import { keyBefore, seekPoint } from './seek-point.ts';
import type { VideoIndex } from './video-index.ts';

const indexes = fc
  .tuple(fc.array(fc.boolean(), { minLength: 1, maxLength: 60 }), fc.integer({ min: -5, max: 5 }))
  .map(([keys, startSeconds]) => ({
    keys: Uint8Array.from(keys, (key, i) => (i === 0 || key ? 1 : 0)),
    seconds: Float64Array.from(keys, (_, i) => startSeconds + i / 10),
    startSeconds,
  }));

test('more keys back is earlier, down to the beginning, and what has to come out is the last key', () => {
  fc.assert(
    fc.property(indexes, fc.nat(), fc.nat(8), (index, any, back) => {
      const number = any % index.keys.length;
      const [near, far] = [back, back + 1].map((each) => seekPoint(index as unknown as VideoIndex, number, each));
      expect(near!.key).toBe(keyBefore(index.keys, number));
      expect(index.keys[near!.key]).toBe(1);
      expect(index.keys.subarray(near!.key + 1, number + 1).every((key) => key === 0)).toBe(true);
      expect(far!.seconds ?? 0).toBeLessThanOrEqual(near!.seconds ?? 0);
      expect(seekPoint(index as unknown as VideoIndex, number, Infinity).seconds).toBeUndefined();
    }),
  );
});
