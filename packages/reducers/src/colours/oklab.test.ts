import fc from 'fast-check';
import { expect, test } from 'vitest';
import { evenColours, evenLightness, oklabOfSrgb, srgbOfOklab, withLightness, type Triple } from './oklab.ts';
import { runAtOnce } from '../shared/pace.ts';

const unit = fc.double({ min: 0, max: 1, noNaN: true });
const colour = fc.tuple(unit, unit, unit);

test('a colour comes back from OKLab', () => {
  fc.assert(
    fc.property(colour, (rgb) =>
      srgbOfOklab(oklabOfSrgb(rgb)).forEach((value, i) => expect(value).toBeCloseTo(rgb[i]!, 4)),
    ),
  );
});

test('white, black and red are where the paper has them', () => {
  oklabOfSrgb([1, 1, 1]).forEach((value, i) => expect(value).toBeCloseTo([1, 0, 0][i]!, 3));
  oklabOfSrgb([0, 0, 0]).forEach((value) => expect(value).toBeCloseTo(0, 6));
  oklabOfSrgb([1, 0, 0]).forEach((value, i) => expect(value).toBeCloseTo([0.628, 0.2249, 0.1258][i]!, 3));
});

test('every colour can be given any lightness; hue stays, the screen can show it', () => {
  fc.assert(
    fc.property(colour, fc.double({ min: 0.05, max: 0.95, noNaN: true }), (rgb, lightness) => {
      const out = withLightness(rgb, lightness);
      expect(Math.min(...out)).toBeGreaterThanOrEqual(0);
      expect(Math.max(...out)).toBeLessThanOrEqual(1);
      const [l, a, b] = oklabOfSrgb(out);
      expect(l).toBeCloseTo(lightness, 2);
      const [, a0, b0] = oklabOfSrgb(rgb);
      expect(Math.abs(a * b0 - b * a0)).toBeLessThan(2e-3);
    }),
  );
});

test('coordinates become colours of one lightness; tokens without data stay NaN', () => {
  const out = runAtOnce(
    evenColours(Float32Array.of(-5, 0, 99, NaN, NaN, NaN, 1, 1, 1), [
      [0, 1],
      [0, 1],
      [0, 1],
    ]),
  );
  expect(oklabOfSrgb([...out.subarray(0, 3)] as unknown as Triple)[0]).toBeCloseTo(evenLightness, 2);
  expect([...out.subarray(3, 6)]).toEqual([NaN, NaN, NaN]);
  expect(out[6]).toBeCloseTo(out[8]!, 3);
});
