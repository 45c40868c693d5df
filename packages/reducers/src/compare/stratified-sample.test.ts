import fc from 'fast-check';
import { expect, test } from 'vitest';
import { stratifiedSample } from './stratified-sample.ts';

test('a sample has as many rows as asked for, from every grid its share, distinct and in order, the same for the same seed', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(200), { maxLength: 20 }),
      fc.integer({ min: 1, max: 500 }),
      fc.nat(1000),
      (counts, limit, seed) => {
        const total = counts.reduce((sum, count) => sum + count, 0);
        const rows = stratifiedSample(counts, limit, seed);
        expect(rows.reduce((sum, chosen) => sum + chosen.length, 0)).toBe(Math.min(limit, total));
        rows.forEach((chosen, index) => {
          const share = total <= limit ? counts[index]! : (counts[index]! * limit) / total;
          expect(Math.abs(chosen.length - share)).toBeLessThanOrEqual(1);
          expect(chosen.every((row, i) => row < counts[index]! && (i === 0 || row > chosen[i - 1]!))).toBe(true);
        });
        expect(stratifiedSample(counts, limit, seed)).toEqual(rows);
      },
    ),
  );
});

test('another seed takes other rows', () => {
  expect(stratifiedSample([1000], 100, 1)).not.toEqual(stratifiedSample([1000], 100, 2));
});
