import fc from 'fast-check';
import { expect, test } from 'vitest';
import { frameRate } from './frame-rate.ts';
import { timing } from './mp4-head.ts';

test('a rate is the fraction that its digits say', () => {
  expect(frameRate(12)).toEqual({ numerator: 12, denominator: 1 });
  expect(frameRate(23.976)).toEqual({ numerator: 2997, denominator: 125 });
  expect(frameRate(0.5)).toEqual({ numerator: 1, denominator: 2 });
  expect(frameRate(29.97)).toEqual({ numerator: 2997, denominator: 100 });
});

test('ticks are whole, and add up to the rate', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 240_000 }), (thousandths) => {
      const rate = frameRate(thousandths / 1000);
      const { timescale, delta } = timing(rate);
      expect(timescale / delta).toBeCloseTo(thousandths / 1000, 9);
      expect(rate.numerator * 1000).toBe(thousandths * rate.denominator);
      expect(timescale).toBeGreaterThanOrEqual(600);
      expect(Number.isInteger(timescale) && Number.isInteger(delta)).toBe(true);
    }),
  );
});
