import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { tables } from './colormap-tables.generated.ts';
import { categoryColor, colorMap, colorMapNames } from './colormaps.ts';

const at = (name: (typeof colorMapNames)[number], i: number): number[] => [
  ...colorMap(name).subarray(i * 3, i * 3 + 3),
];

/** Entries of the tables as matplotlib paints them, read off by hand. */
const known = {
  viridis: { 0: [68, 1, 84], 128: [32, 144, 140], 255: [253, 231, 36] },
  magma: { 0: [0, 0, 3], 128: [182, 54, 121], 255: [251, 252, 191] },
  inferno: { 0: [0, 0, 3], 255: [252, 254, 164] },
  plasma: { 0: [12, 7, 134], 255: [239, 248, 33] },
  cividis: { 0: [0, 34, 77], 255: [253, 231, 55] },
  turbo: { 0: [48, 18, 59], 255: [122, 4, 2] },
  coolwarm: { 0: [58, 76, 192], 255: [179, 3, 38] },
  greys: { 0: [255, 255, 255], 255: [0, 0, 0] },
  gray: { 0: [0, 0, 0], 100: [100, 100, 100], 255: [255, 255, 255] },
} as const;

describe('colour maps', () => {
  test('are the tables of matplotlib: every entry, without a tolerance', async () => {
    const digests = JSON.parse(
      await readFile(new URL('../fixtures/colormap-digests.json', import.meta.url), 'utf8'),
    ) as Record<string, string>;
    const found = Object.fromEntries(
      Object.entries(tables).map(([name, base64]) => [
        name,
        createHash('sha256').update(Buffer.from(base64, 'base64')).digest('hex'),
      ]),
    );
    expect(found).toEqual(digests);
    for (const name of colorMapNames) {
      expect(colorMap(name)).toHaveLength(768);
      expect(createHash('sha256').update(colorMap(name)).digest('hex'), name).toBe(digests[name]);
    }
  });

  test('have the ends and middles that are known of them', () => {
    for (const [name, entries] of Object.entries(known))
      for (const [i, colour] of Object.entries(entries))
        expect(at(name as keyof typeof known, Number(i)), `${name}[${i}]`).toEqual(colour);
  });

  test('get lighter from low to high where they promise to', () => {
    const light = ([r, g, b]: number[]): number => 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
    for (const name of ['viridis', 'magma', 'inferno', 'plasma', 'cividis', 'gray'] as const) {
      for (let i = 8; i < 256; i += 8)
        expect(light(at(name, i)), `${name}[${i}]`).toBeGreaterThan(light(at(name, i - 8)));
    }
  });
});

describe('groups', () => {
  test('have colours of their own, 60 of them at least', () => {
    const colours = Array.from({ length: 60 }, (_, label) => categoryColor(label).join());
    expect(new Set(colours).size).toBe(60);
  });

  test('have the colours of tab10 first, and of tab20 in all', () => {
    const entries = (base64: string): string[] => {
      const bytes = Buffer.from(base64, 'base64');
      return Array.from({ length: bytes.length / 3 }, (_, i) => [...bytes.subarray(3 * i, 3 * i + 3)].join());
    };
    const colours = Array.from({ length: 20 }, (_, label) => categoryColor(label).join());
    expect(colours.slice(0, 10)).toEqual(entries(tables.tab10));
    expect([...colours].sort()).toEqual(entries(tables.tab20).sort());
  });
});
