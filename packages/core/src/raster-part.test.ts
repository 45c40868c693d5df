import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Raster } from './items.ts';
import { cropRaster, overviewRaster, partOfRaster, windowWithin } from './raster-part.ts';
import { tensor, zeros } from './tensor.ts';

const edge = fc.integer({ min: 1, max: 12 });

/** Rasters of every dtype, with and without a mask that is neither all 0 nor all 1. */
const rasters: fc.Arbitrary<Raster> = fc
  .record({
    height: edge,
    width: edge,
    channels: fc.integer({ min: 1, max: 4 }),
    dtype: fc.constantFrom('uint8' as const, 'uint16' as const, 'int16' as const, 'float32' as const),
    masked: fc.boolean(),
    seed: fc.nat(),
  })
  .map(({ height, width, channels, dtype, masked, seed }) => {
    const value = (i: number) => (Math.imul(i + seed + 1, 2654435761) >>> 8) % 251;
    const sign = dtype === 'int16' || dtype === 'float32' ? -1 : 1;
    const values = zeros(dtype, [height, width, channels]);
    for (let i = 0; i < values.data.length; i++) values.data[i] = value(i) * (i % 2 ? sign : 1) + 0; // never -0
    const valid = Uint8Array.from({ length: height * width }, (_, i) => (value(i * 31 + 7) % 3 ? 1 : 0));
    return {
      values,
      channels: Array.from({ length: channels }, (_, i) => `band ${i}`),
      ...(masked && valid.includes(0) && { valid }),
    };
  });

const windowOf = (raster: Raster, seed: number) => {
  const [height, width] = raster.values.shape as [number, number, number];
  const x = seed % width;
  const y = (seed >> 4) % height;
  return { x, y, width: 1 + ((seed >> 8) % (width - x)), height: 1 + ((seed >> 12) % (height - y)) };
};

describe('cropRaster', () => {
  it('holds the pixels of the window, their data and their mask', () => {
    fc.assert(
      fc.property(rasters, fc.nat(), (raster, seed) => {
        const window = windowOf(raster, seed);
        const cut = cropRaster(raster, window);
        const [, width, channels] = raster.values.shape as [number, number, number];
        expect(cut.values.shape).toEqual([window.height, window.width, channels]);
        expect(cut.values.dtype).toBe(raster.values.dtype);
        for (let y = 0; y < window.height; y++)
          for (let x = 0; x < window.width; x++) {
            const from = (window.y + y) * width + window.x + x;
            expect((cut.valid?.[y * window.width + x] ?? 1) !== 0).toBe((raster.valid?.[from] ?? 1) !== 0);
            for (let c = 0; c < channels; c++)
              expect(cut.values.data[(y * window.width + x) * channels + c]).toBe(
                raster.values.data[from * channels + c],
              );
          }
        expect(cut.valid?.includes(0) ?? true).toBe(true);
      }),
    );
  });

  it('of a crop is one crop', () => {
    fc.assert(
      fc.property(rasters, fc.nat(), fc.nat(), (raster, one, two) => {
        const outer = windowOf(raster, one);
        const cut = cropRaster(raster, outer);
        const inner = windowOf(cut, two);
        expect(cropRaster(cut, inner)).toEqual(cropRaster(raster, windowWithin(outer, inner)));
        expect(windowWithin(outer, undefined)).toEqual(outer);
        expect(() => windowWithin(outer, { ...inner, width: outer.width - inner.x + 1 })).toThrow(RangeError);
      }),
    );
  });

  it('refuses windows that leave the raster, are empty, or cut pixels', () => {
    const raster: Raster = { values: tensor('uint8', [4, 5, 1], new Uint8Array(20)), channels: ['grey'] };
    for (const window of [
      { x: 0, y: 0, width: 6, height: 1 },
      { x: -1, y: 0, width: 2, height: 1 },
      { x: 0, y: 3, width: 1, height: 2 },
      { x: 0, y: 0, width: 0, height: 1 },
      { x: 0.5, y: 0, width: 1, height: 1 },
      { x: 0, y: NaN, width: 1, height: 1 },
    ])
      expect(() => cropRaster(raster, window)).toThrow(RangeError);
  });
});

describe('overviewRaster', () => {
  it('is the mean of the pixels with data of each block, and of all where none has', () => {
    fc.assert(
      fc.property(rasters, fc.integer({ min: 1, max: 14 }), (raster, factor) => {
        const small = overviewRaster(raster, factor);
        const [height, width, channels] = raster.values.shape as [number, number, number];
        const [rows, columns] = [Math.ceil(height / factor), Math.ceil(width / factor)];
        expect(small.values.shape).toEqual([rows, columns, channels]);
        for (let row = 0; row < rows; row++)
          for (let column = 0; column < columns; column++) {
            const pixels = [...Array(height * width).keys()].filter(
              (i) => Math.floor(Math.floor(i / width) / factor) === row && Math.floor((i % width) / factor) === column,
            );
            const good = pixels.filter((i) => (raster.valid?.[i] ?? 1) !== 0);
            expect(small.valid?.[row * columns + column] ?? 1).toBe(good.length ? 1 : 0);
            for (let c = 0; c < channels; c++) {
              const used = good.length ? good : pixels;
              const mean = used.reduce((sum, i) => sum + raster.values.data[i * channels + c]!, 0) / used.length;
              expect(small.values.data[(row * columns + column) * channels + c]).toBe(
                raster.values.dtype === 'float32' ? Math.fround(mean) : Math.floor(mean + 0.5),
              );
            }
          }
      }),
    );
  });

  it('keeps a constant raster constant, and is the raster itself at a factor of 1', () => {
    const raster: Raster = {
      values: tensor('uint8', [7, 9, 3], new Uint8Array(189).fill(201)),
      channels: ['a', 'b', 'c'],
    };
    for (const factor of [2, 3, 4, 20])
      expect(new Set(overviewRaster(raster, factor).values.data)).toEqual(new Set([201]));
    expect(overviewRaster(raster, 1)).toBe(raster);
    for (const factor of [0, -2, 1.5, NaN]) expect(() => overviewRaster(raster, factor)).toThrow(RangeError);
  });
});

it('crops before it makes smaller', () => {
  fc.assert(
    fc.property(rasters, fc.nat(), fc.integer({ min: 1, max: 5 }), (raster, seed, overview) => {
      const window = windowOf(raster, seed);
      expect(partOfRaster(raster, { window, overview })).toEqual(overviewRaster(cropRaster(raster, window), overview));
    }),
  );
});
