import { readFileSync } from 'node:fs';
import { bytesSource } from '@deepearth/formats/bytes';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cogBytes, madeRaster, type Value } from '../testing/scenes.ts';
import { geotiffOf, type GeoTiff } from './open-geotiff.ts';
import { stackRasters, type SeriesRaster } from './raster-stack.ts';
import type { RasterRef } from './raster-ref.ts';
import { makeSamples } from './samples.ts';
import type { CogRaster } from './write-cog.ts';

const opened = async (value: Value, more: Partial<CogRaster> = {}, name = 'scene.tif'): Promise<GeoTiff> =>
  geotiffOf(bytesSource(await cogBytes(madeRaster(value, { bands: 1, ...more })), name));
const refOf = (parts: number, more: Partial<RasterRef> = {}): RasterRef => ({
  parts: Array.from({ length: parts }, (_, i) => ({ uri: `${i}.tif` })),
  resampling: 'nearest',
  ...more,
});
const at = (edge: number, left: number, top: number): CogRaster['transform'] => [edge, 0, left, 0, -edge, top];

interface Warped {
  readonly width: number;
  readonly height: number;
  readonly values: readonly number[];
  readonly warped: readonly {
    readonly name: string;
    readonly how: 'nearest' | 'bilinear';
    readonly grid: readonly [edge: number, left: number, top: number, width: number, height: number];
    readonly values: readonly number[];
  }[];
}
const warp = JSON.parse(readFileSync(new URL('../../fixtures/warp.json', import.meta.url), 'utf8')) as Warped;

describe('another grid', () => {
  test.each(warp.warped)('has the values that GDAL gives it: $name, $how', async ({ how, grid, values }) => {
    const [edge, left, top, width, height] = grid;
    const raster = await opened((x, y) => warp.values[y * warp.width + x]!, {
      width: warp.width,
      height: warp.height,
      transform: at(20, 400_000, 5_300_000),
      nodata: 0,
    });
    const bounds: [number, number, number, number] = [left, top - height * edge, left + width * edge, top];
    const stack = stackRasters([raster], refOf(1, { resampling: how, grid: { bounds, resolution: edge } }));
    const read = await stack.read();
    expect([read.width, read.height]).toEqual([width, height]);
    let both = 0;
    for (const [i, value] of values.entries()) {
      const valid = read.valid[0]?.[i] !== 0;
      if (how === 'nearest') expect(valid ? read.bands[0]![i] : 0).toBe(value);
      // GDAL gives a value where one of four pixels has one; here the pixel that the centre lies in must have one.
      else if (valid) expect(Math.abs(read.bands[0]![i]! - value)).toBeLessThanOrEqual(1);
      if (valid && value !== 0) both++;
    }
    expect(both).toBeGreaterThan(values.length / 3);
  });

  test('is read in windows as a whole, at every overview', async () => {
    const fine = await opened((x, y) => x * 7 + y * 300, { width: 600, height: 530 });
    const coarse = await opened((x, y) => x * 11 + y * 200, {
      width: 300,
      height: 265,
      transform: at(20, 399_960, 5_300_040),
    });
    expect([fine.overviews.length, coarse.overviews.length]).toEqual([2, 1]);
    const stack = stackRasters([coarse, fine], refOf(2, { resampling: 'bilinear' }));
    expect([stack.width, stack.height, stack.overviews.length]).toEqual([600, 530, 2]);
    for (const overview of [undefined, 0, 1]) {
      const whole = await stack.read({ overview });
      await fc.assert(
        fc.asyncProperty(fc.tuple(fc.nat(), fc.nat(), fc.nat(), fc.nat()), async ([x, y, w, h]) => {
          const left = x % whole.width;
          const upper = y % whole.height;
          const window = {
            x: left,
            y: upper,
            width: 1 + (w % (whole.width - left)),
            height: 1 + (h % (whole.height - upper)),
          };
          const part = await stack.read({ overview, window });
          for (const band of [0, 1]) {
            const expected = makeSamples('uint16', window.width * window.height);
            for (let row = 0; row < window.height; row++) {
              const from = (upper + row) * whole.width + left;
              expected.set(whole.bands[band]!.subarray(from, from + window.width), row * window.width);
            }
            expect(part.bands[band]).toEqual(expected);
          }
        }),
        { numRuns: 8 },
      );
    }
  });

  test('takes of each file the overview that is as coarse as it is itself', async () => {
    const asked: (number | undefined)[] = [];
    const spied = (raster: GeoTiff): SeriesRaster => ({
      ...raster,
      read: (options) => {
        asked.push(options?.overview);
        return raster.read(options);
      },
    });
    const fine = await opened((x, y) => x + y, { width: 1200, height: 1200, type: 'uint16' });
    const coarse = await opened((x, y) => x + y, { width: 600, height: 600, transform: at(20, 399_960, 5_300_040) });
    const stack = stackRasters([fine, coarse].map(spied), refOf(2));
    // 40 m are the second overview of 10 m, and the first of 20 m.
    await stack.read({ overview: 1, bands: [0] });
    await stack.read({ overview: 1, bands: [1] });
    await stack.read({ bands: [1] });
    expect(asked).toEqual([1, 0, undefined]);
  });

  test('of a raster whose rows run to the north has its rows where they lie', async () => {
    const [left, bottom] = [399_960, 5_299_740];
    const south = await opened((x, y) => 100 * y + x, { transform: [10, 0, left, 0, 10, bottom] });
    const north = await opened((x, y) => 100 * (29 - y) + x);
    const stack = stackRasters([north, south], refOf(2));
    const { bands } = await stack.read();
    expect(bands[1]).toEqual(bands[0]);
  });
});

describe('files that cannot be put together', () => {
  const base = () => opened(() => 1, {}, 'base.tif');
  test.each([
    [
      'in another coordinate system',
      { crs: 'EPSG:32632' },
      /other\.tif: is in EPSG:32632, but base\.tif is in EPSG:32633/,
    ],
    [
      'turned',
      { transform: [7, 7, 399_960, 7, -7, 5_300_040] as CogRaster['transform'] },
      /other\.tif: is turned against base\.tif/,
    ],
  ] as const)('are refused by name: %s', async (_, more, says) => {
    const other = await opened(() => 1, more, 'other.tif');
    const first = await base();
    expect(() => stackRasters([first, other], refOf(2, { grid: { part: 0 } }))).toThrow(says);
  });

  test('without a place are taken where they have the same size, and refused where not', async () => {
    const first = await base();
    const { crs: _, transform: __, ...nowhere } = await opened((x) => x, {}, 'mask.tif');
    const stack = stackRasters([first, nowhere], refOf(2, { grid: { part: 0 } }));
    expect((await stack.read({ bands: [1] })).bands[0]![39]).toBe(39);
    const { crs: ___, transform: ____, ...small } = await opened(() => 1, { width: 20 }, 'mask.tif');
    expect(() => stackRasters([first, small], refOf(2, { grid: { part: 0 } }))).toThrow(
      /mask\.tif: has 20 x 30 pixels and base\.tif 40 x 30, and it says nothing of its place/,
    );
  });
});
