import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findGaps, formatGaps } from './gaps.ts';

describe('gaps', () => {
  test('are listed as ranges, in steps of what numbers differ by', () => {
    expect(findGaps([1, 2, 4, 5, 9])).toEqual({
      gaps: [
        [3, 3],
        [6, 8],
      ],
      missing: 4,
      step: 1,
    });
    expect(findGaps([0, 10, 20, 40, 80])).toEqual({
      gaps: [
        [30, 30],
        [50, 70],
      ],
      missing: 4,
      step: 10,
    });
    expect(findGaps([616])).toEqual({ gaps: [], missing: 0, step: 1 });
  });

  test('include what is missing at the ends of a range that was asked for', () => {
    expect(findGaps([2, 3], 0, 5)).toEqual({
      gaps: [
        [0, 1],
        [4, 5],
      ],
      missing: 4,
      step: 1,
    });
    expect(findGaps([10, 20], 5, 35)).toEqual({ gaps: [[30, 30]], missing: 1, step: 10 });
  });

  test('are exactly the numbers that are not there', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 0, max: 60 }), { minLength: 2 }), (chosen) => {
        const numbers = [...chosen].sort((a, b) => a - b);
        const { gaps, missing, step } = findGaps(numbers);
        const absent = gaps.flatMap(([from, to]) =>
          Array.from({ length: (to - from) / step + 1 }, (_, i) => from + i * step),
        );
        expect(absent).toHaveLength(missing);
        expect([...absent, ...numbers].sort((a, b) => a - b)).toEqual(
          Array.from({ length: (numbers.at(-1)! - numbers[0]!) / step + 1 }, (_, i) => numbers[0]! + i * step),
        );
      }),
    );
  });

  test('are written for people, not without end', () => {
    expect(
      formatGaps([
        [3, 3],
        [6, 8],
      ]),
    ).toBe('3, 6–8');
    expect(
      formatGaps(
        Array.from({ length: 10 }, (_, i) => [i * 2, i * 2] as const),
        3,
      ),
    ).toBe('0, 2, 4 and 7 more ranges');
  });
});
