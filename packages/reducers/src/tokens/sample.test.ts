import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sampledCount, sampledTokens } from './sample.ts';

const limits = fc.record({
  most: fc.integer({ min: 1, max: 400 }),
  sample: fc.integer({ min: 1, max: 400 }),
  seed: fc.nat(2 ** 32 - 1),
});

test('a sample has as many tokens as asked for, distinct and in order, all where there are few, the same for the same seed', () => {
  fc.assert(
    fc.property(fc.nat(3000), limits, (count, chosen) => {
      const tokens = sampledTokens(count, chosen);
      expect(tokens).toHaveLength(sampledCount(count, chosen));
      expect(tokens.every((token, i) => token < count && (i === 0 || token > tokens[i - 1]!))).toBe(true);
      expect(sampledTokens(count, chosen)).toEqual(tokens);
    }),
  );
});

test('every stretch of the tokens gives its share', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 500, max: 5000 }),
      fc.integer({ min: 20, max: 400 }),
      fc.nat(1000),
      (count, sample, seed) => {
        const spread = sampledTokens(count, { most: sample, sample, seed });
        for (let part = 0; part < 10; part++) {
          const [from, to] = [(count * part) / 10, (count * (part + 1)) / 10];
          const inside = spread.filter((token) => token >= from && token < to).length;
          // The discrepancy of multiples of the golden ratio grows with the logarithm only.
          expect(Math.abs(inside - sample / 10)).toBeLessThan(4);
        }
      },
    ),
  );
});

test('a smaller sample lies within a larger one, and another seed takes other tokens', () => {
  const larger = new Set(sampledTokens(1000, { most: 100, sample: 100, seed: 1 }));
  expect(sampledTokens(1000, { most: 50, sample: 50, seed: 1 }).every((token) => larger.has(token))).toBe(true);
  expect(sampledTokens(1000, { most: 100, sample: 100, seed: 2 })).not.toEqual(Uint32Array.from(larger));
});
