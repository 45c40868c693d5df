import fc from 'fast-check';
import { expect, test } from 'vitest';
import { framePixels } from './frame-pixels.ts';
import { gifKernel } from './gif-kernel.ts';
import { mostCompressed } from './lzw.ts';
import { paletteMap } from './palette-map.ts';
import type { Palette } from './palette.ts';

interface Case {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly data: Uint8Array;
  readonly palette: Palette;
  readonly dither: number;
  readonly transparent: number;
}

const thresholds = [
  [0, 32, 8, 40, 2, 34, 10, 42],
  [48, 16, 56, 24, 50, 18, 58, 26],
  [12, 44, 4, 36, 14, 46, 6, 38],
  [60, 28, 52, 20, 62, 30, 54, 22],
  [3, 35, 11, 43, 1, 33, 9, 41],
  [51, 19, 59, 27, 49, 17, 57, 25],
  [15, 47, 7, 39, 13, 45, 5, 37],
  [63, 31, 55, 23, 61, 29, 53, 21],
];

/** Finds the first of the nearest colours to what 5, 6 and 5 bits hold of red, green and blue. */
function nearestOf(palette: Palette): (rgb: readonly number[]) => number {
  const known = new Map<string, number>();
  return ([r, g, b]) => {
    const bits = [
      Math.floor((r! * 31 + 127) / 255),
      Math.floor((g! * 63 + 127) / 255),
      Math.floor((b! * 31 + 127) / 255),
    ];
    const former = known.get(`${bits}`);
    if (former !== undefined) return former;
    const at = bits.map((value, i) => (value * 255) / (i === 1 ? 63 : 31));
    const distances = palette.map((colour) => {
      const [x, y, z] = at.map((value, i) => colour[i]! - value) as [number, number, number];
      return x * x + y * y + z * z;
    });
    const found = distances.indexOf(Math.min(...distances));
    known.set(`${bits}`, found);
    return found;
  };
}

/** The number of each pixel, one by one. */
function numbers({ width, channels, data, palette, dither, transparent }: Case): Uint8Array {
  const nearest = nearestOf(palette);
  return Uint8Array.from({ length: data.length / channels }, (_, i) => {
    const [r, g, b, opacity = 255] = data.subarray(i * channels, (i + 1) * channels);
    if (opacity < 128) return transparent;
    const threshold = (thresholds[Math.floor(i / width) & 7]![(i % width) & 7]! + 0.5) / 64 - 0.5;
    const shifted = [r!, g!, b!].map((value) => Math.min(255, Math.max(0, value + Math.round(threshold * dither))));
    return nearest(shifted);
  });
}

function compressed(pixels: Uint8Array): Uint8Array {
  const { kernel, at } = gifKernel(pixels.length, mostCompressed(pixels.length));
  kernel.memory.set(pixels, at[0]);
  kernel.begin(at[1]!);
  kernel.add(at[0]!, pixels.length);
  return kernel.memory.slice(at[1], kernel.end());
}

const values = {
  // Noise, few values (many colours are equally near), a flat picture and a smooth one.
  noise: (i: number, seed: number) => Math.imul(i + seed * 7919, 0x9e3779b1) >>> 24,
  few: (i: number, seed: number) => ((Math.imul(i + seed, 0x9e3779b1) >>> 30) * 85) & 255,
  flat: (_: number, seed: number) => seed & 255,
  smooth: (i: number, seed: number) => ((i >> 3) + seed) & 255,
};

const cases: fc.Arbitrary<Case> = fc
  .record({
    width: fc.oneof(fc.integer({ min: 1, max: 70 }), fc.constantFrom(1, 8, 16, 17, 300)),
    height: fc.integer({ min: 1, max: 40 }),
    channels: fc.constantFrom(3, 4),
    kind: fc.constantFrom(...Object.values(values)),
    seed: fc.nat(1000),
    colors: fc.integer({ min: 1, max: 255 }),
    colorsOf: fc.constantFrom(values.noise, values.few, values.smooth),
    dither: fc.integer({ min: 0, max: 14 }),
  })
  .map(({ kind, seed, colors, colorsOf, ...rest }) => ({
    ...rest,
    data: Uint8Array.from({ length: rest.width * rest.height * rest.channels }, (_, i) => kind(i, seed)),
    palette: Array.from({ length: colors }, (_, i) => [0, 1, 2].map((channel) => colorsOf(i * 3 + channel, seed + 1))),
    transparent: colors,
  }));

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

test('pixels become the numbers of their nearest colours, two palettes in turn', () => {
  fc.assert(
    fc.property(cases, cases, (one, other) => {
      const frames = [one, other].map((about) => ({ about, map: paletteMap(about.palette) }));
      for (const { about, map } of [...frames, ...frames]) {
        const bytes = framePixels(about, map, about.dither, about.transparent).slice();
        expect(same(bytes, compressed(numbers(about)))).toBe(true);
      }
    }),
    { numRuns: 100 },
  );
});

test('a picture of many blocks, of one row each where rows are long', () => {
  for (const [width, height] of [
    [300, 301],
    [30_001, 3],
  ] as const) {
    const about: Case = {
      ...{ width, height, channels: 3, dither: 9, transparent: 0 },
      data: Uint8Array.from({ length: width * height * 3 }, (_, i) => values.smooth(i, 3) ^ (values.noise(i, 1) & 7)),
      palette: Array.from({ length: 200 }, (_, i) => [i, 255 - i, (i * 7) & 255]),
    };
    const bytes = framePixels(about, paletteMap(about.palette), about.dither, 0).slice();
    expect(same(bytes, compressed(numbers(about)))).toBe(true);
  }
});

test('every value of 5, 6 and 5 bits has its nearest colour, the first of equal ones', () => {
  // Two of each colour, and colours half way between values.
  const palette = Array.from({ length: 256 }, (_, i) => [(i >> 1) * 2, ((i >> 1) * 37) & 255, ((i >> 3) * 8) & 255]);
  const { kernel } = gifKernel();
  const nearest = nearestOf(palette);
  paletteMap(palette).use(kernel);
  for (let key = 0; key < 65536; key += 5) {
    const value = [((key >> 11) * 255) / 31, (((key >> 5) & 63) * 255) / 63, ((key & 31) * 255) / 31];
    if (kernel.nearest(key) !== nearest(value.map(Math.round))) expect.fail(`${key}`);
  }
});

test('the error is that of every pixel where there are few, and leaves out those that nobody sees', () => {
  fc.assert(
    fc.property(cases, (about) => {
      const { data, channels, palette } = about;
      fc.pre(data.length / channels < 8192);
      const nearest = nearestOf(palette);
      let sum = 0;
      let count = 0;
      for (let at = 0; at < data.length; at += channels) {
        if (channels === 4 && data[at + 3]! < 128) continue;
        const colour = palette[nearest([...data.subarray(at, at + 3)])]!;
        for (let channel = 0; channel < 3; channel++) sum += (colour[channel]! - data[at + channel]!) ** 2;
        count++;
      }
      expect(paletteMap(palette).error(about)).toBe(count ? sum / count : 0);
    }),
  );
});
