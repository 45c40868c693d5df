import { tensor, type Projection } from '@deepearth/core';
import { makeProjections } from '@deepearth/testing';
import { describe, expect, test } from 'vitest';
import { cellColors } from './cell-colors.ts';
import { categoryColor, colorMap } from '@deepearth/vision/colormaps';

const choice = { colorMap: 'viridis', reverse: false } as const;
const projection = (components: number, numbers: readonly number[], rest: Partial<Projection> = {}): Projection => ({
  ...makeProjections({ time: 1, height: 1, width: numbers.length / components, components, count: 1 })[0]!,
  values: tensor('float32', [1, 1, numbers.length / components, components], Float32Array.from(numbers)),
  limits: Array.from({ length: components }, () => [0, 1] as const),
  ...rest,
});
const colours = (p: Projection, c: Parameters<typeof cellColors>[2] = choice): number[][] =>
  Array.from({ length: p.values.shape[2]! }, (_, i) => [...cellColors(p, 0, c).subarray(i * 4, i * 4 + 4)]);

describe('three numbers', () => {
  test('are red, green and blue between the limits, and clamped beyond', () => {
    const limits = [
      [0, 1],
      [-1, 1],
      [10, 20],
    ] as const;
    expect(colours(projection(3, [0, -1, 10, 1, 1, 20, 0.5, 0, 15, -9, 9, 99], { limits }))).toEqual([
      [0, 0, 0, 255],
      [255, 255, 255, 255],
      [128, 128, 128, 255],
      [0, 255, 255, 255],
    ]);
  });

  test('are the middle where a component has no extent', () => {
    expect(
      colours(
        projection(3, [7, 0, 1], {
          limits: [
            [7, 7],
            [0, 1],
            [0, 1],
          ],
        }),
      ),
    ).toEqual([[128, 0, 255, 255]]);
  });
});

test('one number goes through the colour map, which can be turned round', () => {
  const table = colorMap('viridis');
  const p = projection(1, [0, 1, 0.5], { meaning: 'scalar' });
  expect(colours(p).map((c) => c.slice(0, 3))).toEqual([0, 255, 128].map((i) => [...table.subarray(i * 3, i * 3 + 3)]));
  expect(colours(p, { ...choice, reverse: true })[0]!.slice(0, 3)).toEqual([...table.subarray(765)]);
});

test('two numbers differ in colour along both', () => {
  expect(colours(projection(2, [0, 0, 1, 0, 0, 1, 1, 1]))).toEqual([
    [0, 0, 255, 255],
    [255, 0, 128, 255],
    [0, 255, 128, 255],
    [255, 255, 0, 255],
  ]);
});

test('groups have their own colours whatever the limits', () => {
  expect(colours(projection(1, [0, 5, 13], { meaning: 'label', limits: [[0, 13]] })).map((c) => c.slice(0, 3))).toEqual(
    [0, 5, 13].map((label) => [...categoryColor(label)]),
  );
});

test('invalid tokens and NaN are transparent', () => {
  expect(
    colours(projection(3, [1, 1, 1, 1, NaN, 1, 1, 1, 1], { valid: Uint8Array.from([0, 255, 255]) })).map((c) => c[3]),
  ).toEqual([0, 0, 255]);
});

test('a token that saw a share of its pixels is drawn as a whole one; only a share of 0 is not drawn', () => {
  const numbers = Array.from({ length: 256 }, (_, share) => share / 255);
  const whole = colours(projection(1, numbers));
  const valid = Uint8Array.from(numbers, (_, share) => share);
  expect(colours(projection(1, numbers, { valid }))).toEqual([[0, 0, 0, 0], ...whole.slice(1)]);
});

test('missing limits are an error that says so', () => {
  expect(() => colours(projection(3, [1, 1, 1], { limits: [[0, 1]] }))).toThrow(/3 components and limits for 1/);
});
