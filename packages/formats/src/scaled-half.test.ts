import { halfFromFloat32, tensor, toFloat32 } from '@deepearth/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { scaleName } from './scale.ts';
import { scaledHalf, unscaled } from './scaled-half.ts';

const floats = fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { minLength: 1, maxLength: 40 });
const of = (...values: number[]) => tensor('float32', [values.length], Float32Array.from(values));

test('the factor stands under the name of the tensor, as that of int8 weights does', () => {
  expect(scaleName('features')).toBe('features.scale');
});

test('values come back with the eleven digits of float16, but for those far below the largest', () => {
  fc.assert(
    fc.property(floats, (values) => {
      const given = of(...values);
      const { values: stored, scale } = scaledHalf(given);
      const back = unscaled(stored, scale, 'law');
      for (const [i, value] of given.data.entries()) {
        const error = Math.abs((back.data[i]! as number) - value);
        // The steps of the smallest float16 values are 2^-24; the largest float32 values are rounded down, by up to one
        // step.
        const step = scale.data[0] === 2 ** 113 ? 2 ** -10 : 2 ** -11;
        expect(error).toBeLessThanOrEqual(Math.max(Math.abs(value) * step, scale.data[0]! * 2 ** -25));
      }
      expect(Number.isInteger(Math.log2(scale.data[0]!))).toBe(true);
    }),
  );
});

test('values that fit are what they are without a factor, which is 1', () => {
  fc.assert(
    fc.property(fc.array(fc.float({ noNaN: true, min: -65504, max: 65504 })), (values) => {
      fc.pre(
        values.length === 0 || Math.max(...values.map(Math.abs)) >= 2 ** -14 || values.every((value) => value === 0),
      );
      const { values: stored, scale } = scaledHalf(of(...values));
      expect(scale).toEqual(tensor('float32', [], Float32Array.of(1)));
      expect(stored.data).toEqual(halfFromFloat32(Float32Array.from(values)));
    }),
  );
});

test.each([
  ['just below the bound', [65519.996], 1],
  ['at the bound', [65520], 2],
  ['at the end of float32', [3.4028234663852886e38, -3e38], 2 ** 113],
  ['at the other end', [1.401298464324817e-45], 2 ** -126],
  ['below the smallest', [2 ** -15], 2 ** -29],
  ['with NaN and infinity', [NaN, Infinity, 1e6], 2 ** 5],
  ['of infinity alone', [Infinity], 1],
  ['without a value', [], 1],
])('a tensor %s', (_, values, factor) => {
  const given = of(...values);
  const { values: stored, scale } = scaledHalf(given);
  expect(scale.data[0]).toBe(factor);
  expect([...stored.data].filter((bits) => (bits & 0x7fff) === 0x7c00)).toHaveLength(
    values.filter((value) => Math.abs(value) === Infinity).length,
  );
  const back = unscaled(stored, scale, 'ends').data;
  for (const [i, value] of given.data.entries())
    if (Number.isFinite(value)) expect(Math.abs(Number(back[i]) / value - 1)).toBeLessThanOrEqual(2 ** -11);
});

test('a file without a factor is taken as it is, and one whose factor is no number above 0 is refused', () => {
  const { values, scale } = scaledHalf(of(1, 2));
  expect(unscaled(values, undefined, 'a')).toBe(values);
  expect(unscaled(values, scale, 'a')).toEqual(toFloat32(values));
  for (const wrong of [of(0), of(-1), of(NaN), of(Infinity), of(1, 2), of(), tensor('int8', [], Int8Array.of(1))])
    expect(() => unscaled(values, wrong, 'a.safetensors')).toThrow(
      /a\.safetensors: has a scale of .*expected one finite/s,
    );
});
