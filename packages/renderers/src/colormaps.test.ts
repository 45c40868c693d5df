import { describe, expect, test } from 'vitest';
import { categoryColor, colorMap, colorMapNames } from './colormaps.ts';

const at = (name: (typeof colorMapNames)[number], i: number): number[] => [
  ...colorMap(name).subarray(i * 3, i * 3 + 3),
];

/** Entries of the tables as matplotlib prints them. */
const known = {
  viridis: { 0: [68, 1, 84], 64: [58, 82, 139], 128: [32, 144, 140], 191: [94, 201, 97], 255: [253, 231, 36] },
  magma: { 0: [0, 0, 3], 64: [80, 18, 123], 128: [182, 54, 121], 191: [251, 136, 97], 255: [251, 252, 191] },
  cividis: { 0: [0, 34, 77], 128: [124, 123, 120], 255: [253, 231, 55] },
  turbo: { 0: [48, 18, 59], 128: [164, 252, 59], 255: [122, 4, 2] },
  gray: { 0: [0, 0, 0], 100: [100, 100, 100], 255: [255, 255, 255] },
} as const;

describe('colour maps', () => {
  test('are close to the tables they stand for', () => {
    for (const [name, entries] of Object.entries(known)) {
      for (const [i, colour] of Object.entries(entries)) {
        const found = at(name as keyof typeof known, Number(i));
        for (let c = 0; c < 3; c++)
          expect(Math.abs(found[c]! - colour[c]!), `${name}[${i}] ${found} ${colour}`).toBeLessThanOrEqual(
            name === 'turbo' ? 32 : name === 'cividis' ? 14 : 8,
          );
      }
    }
  });

  test('get lighter from low to high where they promise to', () => {
    const light = ([r, g, b]: number[]): number => 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
    for (const name of ['viridis', 'magma', 'cividis', 'gray'] as const) {
      for (let i = 8; i < 256; i += 8)
        expect(light(at(name, i)), `${name}[${i}]`).toBeGreaterThan(light(at(name, i - 8)));
    }
  });

  test('have 256 entries each', () => {
    for (const name of colorMapNames) expect(colorMap(name)).toHaveLength(768);
  });
});

test('groups have colours of their own, for 60 groups at least', () => {
  const colours = Array.from({ length: 60 }, (_, label) => categoryColor(label).join());
  expect(new Set(colours).size).toBe(60);
});
