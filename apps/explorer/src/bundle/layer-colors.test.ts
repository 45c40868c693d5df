import { expect, test } from 'vitest';
import { change, componentColors, groupColors, groupsOf, numberColors, storedColors } from './layer-colors.ts';

/** Two components of a byte each. */
const code = {
  bytes: 2,
  components: 2,
  channels: 2,
  scales: [0.01, 0.01],
  overlap: null,
  colors: {
    center: [0, 0],
    directions: [
      [1, 0],
      [0, 1],
      [0, 0],
    ],
    limits: [
      [-1, 1],
      [-1, 1],
      [0, 0],
    ] as const,
  },
};
/** The last saw no data. */
const tokens = Int8Array.from([100, 0, 0, 100, -100, 0, 0, 0]);
const opaque = (colors: Uint8ClampedArray): boolean[] =>
  Array.from({ length: colors.length / 4 }, (_, token) => colors[token * 4 + 3]! > 0);

test('components are red, green and blue between their limits, and a token without data is transparent', () => {
  const colors = componentColors(code, tokens);
  expect(opaque(colors)).toEqual([true, true, true, false]);
  expect([...colors.subarray(0, 3)]).toEqual([255, 128, 128]);
  expect([...colors.subarray(8, 11)]).toEqual([0, 128, 128]);
});

test('numbers go from the low end of a map to the high one, and fade where they are low', () => {
  const colors = numberColors(Float32Array.of(0, 1, 2, NaN), [0, 1], 'gray', true);
  expect([...colors]).toEqual([0, 0, 0, 40, 255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0]);
  expect([...numberColors(Float32Array.of(3), [3, 3], 'gray', false)]).toEqual([128, 128, 128, 255]);
});

test('change is one minus the cosine to the step before, and of the first step to the one behind it', () => {
  const moved = change(code, Int8Array.from([100, 0, 100, 0, 0, 100]), [3, 1, 1]);
  expect([...moved].map((value) => Math.round(value * 1e6) / 1e6)).toEqual([0, 0, 1]);
  expect(change(code, tokens, [2, 1, 2])[1]).toBeNaN();
  expect([...change(code, tokens, [1, 2, 2])]).toEqual([0, 0, 0, 0]);
});

test('groups are those of the nearest center; one of them may be shown alone', () => {
  const groups = groupsOf(code, tokens, [Float32Array.of(0, 1), Float32Array.of(1, 0)]);
  expect([...groups]).toEqual([1, 0, 0, -1]);
  expect(opaque(groupColors(groups))).toEqual([true, true, true, false]);
  expect(opaque(groupColors(groups, (group) => group === 0))).toEqual([false, true, true, false]);
});

test('layers of the run are colours, numbers or groups of two bytes', () => {
  const masked = (token: number): boolean => token === 1;
  expect([...storedColors({ meaning: 'coordinates' }, Uint8Array.of(1, 2, 3, 4, 5, 6), 'gray', masked)]).toEqual([
    1, 2, 3, 255, 4, 5, 6, 0,
  ]);
  expect([...storedColors({ meaning: 'scalar' }, Uint8Array.of(0, 9, 255), 'gray', masked)].slice(8)).toEqual([
    255, 255, 255, 255,
  ]);
  const groups = storedColors({ meaning: 'label' }, Uint8Array.of(0, 0, 0, 0, 1, 0), 'gray', masked);
  expect(opaque(groups)).toEqual([true, false, true]);
  expect(groups.subarray(0, 3)).not.toEqual(groups.subarray(8, 11));
});
