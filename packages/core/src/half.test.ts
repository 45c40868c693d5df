import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fromHalf, halfTable, toHalf } from './half.ts';

describe('half precision', () => {
  test('every value that is not NaN survives the way through float32', () => {
    for (let bits = 0; bits < 65536; bits++)
      if (!Number.isNaN(fromHalf(bits))) expect(toHalf(fromHalf(bits))).toBe(bits);
  });

  test('rounds to the nearest half, ties to even', () => {
    const finite = [...halfTable()].filter(Number.isFinite).sort((a, b) => a - b);
    fc.assert(
      fc.property(fc.float({ noNaN: true, min: -65504, max: 65504 }), (value) => {
        const rounded = fromHalf(toHalf(value));
        const at = finite.findIndex((half) => half >= value);
        const best = Math.min(
          ...[finite[at - 1], finite[at]].filter((half) => half !== undefined).map((half) => Math.abs(half - value)),
        );
        expect(Math.abs(rounded - value)).toBe(best);
      }),
    );
    expect(toHalf(1 + 2 ** -11)).toBe(0x3c00);
    expect(toHalf(1 + 3 * 2 ** -11)).toBe(0x3c02);
    expect(toHalf(65520)).toBe(0x7c00);
    expect(toHalf(65519)).toBe(0x7bff);
    expect(fromHalf(toHalf(NaN))).toBeNaN();
  });
});
