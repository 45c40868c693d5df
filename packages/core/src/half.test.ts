import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { InputError } from './errors.ts';
import { fromHalf, halfTable, toFloat16, toFloat32, toHalf } from './half.ts';
import { tensor } from './tensor.ts';

describe('a tensor in another type', () => {
  const floats = (...values: number[]) => tensor('float32', [values.length], Float32Array.from(values));
  test('never becomes infinite without a word', () => {
    expect(toFloat16(floats(1, -65519, NaN, Infinity), 'x').data).toEqual(
      Uint16Array.of(0x3c00, 0xfbff, toHalf(NaN), 0x7c00),
    );
    expect(() => toFloat16(floats(1, -2.7e5, 65520), 'a.npy')).toThrow(InputError);
    expect(() => toFloat16(floats(1, -2.7e5, 65520), 'a.npy')).toThrow(
      'a.npy: the value -270000 (number 1 of 3) would become infinite in float16; float16 holds 0.000061 to 65504. Keep float32.',
    );
    const doubles = tensor('float64', [2], Float64Array.of(1, 1e39));
    expect(() => toFloat32(doubles, 'b.pt')).toThrow('b.pt: the value 1e+39 (number 1 of 2) is float64');
    expect(toFloat32(tensor('float64', [2], Float64Array.of(-Infinity, 0.5))).data).toEqual(
      Float32Array.of(-Infinity, 0.5),
    );
  });
  test('never loses all its digits without a word', () => {
    expect(() => toFloat16(floats(1e-9, -3e-9), 'c')).toThrow('is 3.00e-9, which would lose its digits');
    expect(toFloat16(floats(1e-9, 0), 'c', { small: 'rounded' }).data).toEqual(Uint16Array.of(0, 0));
    expect(toFloat16(floats(0, 0), 'c').data).toEqual(Uint16Array.of(0, 0));
    expect(toFloat16(floats(1, 1e-9), 'c').data).toEqual(Uint16Array.of(0x3c00, 0));
  });
});

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
