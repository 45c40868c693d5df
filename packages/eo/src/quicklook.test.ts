import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bytesSource } from '@deepearth/formats/bytes';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { geotiffOf } from './geotiff/open-geotiff.ts';
import { inspectEarth, isZarr } from './inspect.ts';
import { openNetcdf } from './netcdf/open-netcdf.ts';
import { cubeQuicklook, rasterQuicklook, type Quicklook } from './quicklook.ts';
import { openBytes } from './raster-bytes.ts';
import { netcdf3, type MadeVariable } from './testing/make-netcdf3.ts';
import { cogBytes, madeRaster, type Value } from './testing/scenes.ts';
import type { CogRaster } from './geotiff/write-cog.ts';

async function ofRaster(value: Value, more: Partial<CogRaster> = {}): Promise<Quicklook> {
  const raster = await geotiffOf(bytesSource(await cogBytes(madeRaster(value, more)), 'scene.tif'));
  try {
    return await rasterQuicklook(raster);
  } finally {
    await raster.close();
  }
}

const pixel = ({ pixels: { data, shape } }: Quicklook, x: number, y: number): number[] => [
  ...data.subarray((y * shape[1]! + x) * shape[2]!, (y * shape[1]! + x + 1) * shape[2]!),
];

describe('rasterQuicklook', () => {
  test('leaves 8-bit values as they are, and north up', async () => {
    const drawn = await ofRaster((x, y, band) => x + 40 * band + 2 * y, { type: 'uint8' });
    expect(drawn.pixels.shape).toEqual([30, 40, 3]);
    expect(pixel(drawn, 7, 20)).toEqual([47, 87, 127]);
    expect(drawn.json).toEqual({ bands: [1, 2, 3], stretch: null, factor: 1 });
  });

  test('stretches other values between percentiles, and leaves pixels without data out', async () => {
    const drawn = await ofRaster((x) => (x === 0 ? 0 : 1000 + 100 * x), { bands: 1, nodata: 0 });
    const { range } = drawn.json['stretch'] as { range: [number, number] };
    // What NumPy's percentile gives of 39 values that are 100 apart and equally frequent.
    expect(range).toEqual([1100, 4900]);
    expect(pixel(drawn, 0, 3)[3]).toBe(0);
    expect(pixel(drawn, 1, 3)).toEqual([0, 0, 0, 255]);
    expect(pixel(drawn, 39, 3)).toEqual([255, 255, 255, 255]);
    expect(pixel(drawn, 20, 3)[0]).toBe(Math.round(((3000 - 1100) / 3800) * 255));
    expect(drawn.text).toBe('band 1; values from 1100 to 4900 (percentiles 2 and 98) from black to white');
  });

  test('draws a large raster of an overview, at most 720 pixels wide', async () => {
    let fullBlocks = 0;
    const bytes = await cogBytes(madeRaster((x) => x % 256, { width: 3000, height: 400, bands: 1, type: 'uint8' }));
    const raster = await geotiffOf(bytesSource(bytes, 'wide.tif'));
    const drawn = await rasterQuicklook({
      ...raster,
      read(options) {
        if (options?.overview === undefined) fullBlocks++;
        return raster.read(options);
      },
    });
    expect(fullBlocks).toBe(0);
    const [height, width] = drawn.pixels.shape as [number, number];
    expect(width).toBeLessThanOrEqual(720);
    expect(width).toBeGreaterThan(360);
    expect(height / width).toBeCloseTo(400 / 3000, 1);
    expect(drawn.json['factor']).toBeCloseTo(3000 / width, 9);
  });

  test('refuses a raster without a valid value by its name', async () => {
    await expect(ofRaster(() => 0, { nodata: 0 })).rejects.toMatchObject({
      code: 'E_NO_DATA',
      message: expect.stringContaining('scene.tif'),
    });
  });

  test('refuses a raster that is too large to be read whole, without reading it', async () => {
    const raster = await geotiffOf(bytesSource(await cogBytes(madeRaster((x) => x)), 'huge.tif'));
    const huge = { ...raster, width: 2 ** 15, height: 2 ** 14, read: () => expect.fail('was read') };
    await expect(rasterQuicklook(huge)).rejects.toMatchObject({ code: 'E_PICTURE_TOO_LARGE' });
  });
});

describe('cubeQuicklook', () => {
  let folder: string;
  beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'quicklook-'))));
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const axis = (name: string, units: string, value: (i: number) => number): MadeVariable => ({
    dimensions: [name],
    type: 'float64',
    attributes: { units },
    value,
  });
  async function ofCube(variable?: string, value: MadeVariable['value'] = (t, l, y, x) => t + l + y! * 10 + x!) {
    const path = join(folder, 'weather.nc');
    await writeFile(
      path,
      netcdf3({
        version: 2,
        dimensions: { time: 2, level: 2, lat: 5, lon: 8 },
        variables: {
          time: axis('time', 'days since 2024-03-01', (i) => i),
          // Rows run to the north in the file.
          lat: axis('lat', 'degrees_north', (i) => 40 + i),
          lon: axis('lon', 'degrees_east', (i) => 10 + i),
          wind: { dimensions: ['time', 'level', 'lat', 'lon'], type: 'float32', value },
          height: { dimensions: ['lat', 'lon'], type: 'float32', value: (y, x) => y! * x! },
        },
      }),
    );
    const cube = await openNetcdf(path);
    try {
      return await cubeQuicklook(cube, { variable });
    } finally {
      await cube.close();
    }
  }

  test('draws the first variable at its first time and position, north up', async () => {
    const drawn = await ofCube();
    expect(drawn.pixels.shape).toEqual([5, 8, 3]);
    expect(drawn.json).toMatchObject({
      variable: 'wind',
      select: { level: { index: 0 } },
      time: '2024-03-01T00:00:00Z',
    });
    expect(drawn.text).toMatch(/^variable wind, 2024-03-01T00:00:00Z, position 0 of level; values from /);
    // The largest latitude has the largest values, and lies above.
    expect(pixel(drawn, 7, 0)).toEqual([255, 255, 255]);
    expect(pixel(drawn, 0, 4)).toEqual([0, 0, 0]);
  });

  test('draws the variable that is named, and refuses one that is not there or has no rows and columns', async () => {
    expect((await ofCube('height')).json).toMatchObject({ variable: 'height' });
    await expect(ofCube('hight')).rejects.toMatchObject({ code: 'E_VARIABLE' });
    await expect(ofCube('lat')).rejects.toMatchObject({ code: 'E_AXIS' });
  });

  test('refuses a variable without a valid value by its name', async () => {
    await expect(ofCube(undefined, () => NaN)).rejects.toMatchObject({
      code: 'E_NO_DATA',
      message: expect.stringContaining('weather.nc: wind'),
    });
  });
});

const references = fileURLToPath(new URL('../../../../shared/reference/eo', import.meta.url));
const there = existsSync(references);
const named = (folder: string, ending: string): string[] =>
  there ? readdirSync(join(references, folder)).filter((name) => name.endsWith(ending) && !name.startsWith('bad')) : [];
const withoutFiles = there ? '' : ' (skipped: no ../shared/reference)';

describe.skipIf(!there)(`files beside the repository are drawn${withoutFiles}`, () => {
  test.each([
    ...named('geotiff', '.tif').map((name) => join('geotiff', name)),
    ...named('netcdf', '.nc').map((name) => join('netcdf', name)),
    ...named('zarr', '.zarr').map((name) => join('zarr', name)),
  ])('%s', async (name) => {
    const path = join(references, name);
    const source = (await isZarr(path)) ? undefined : await openBytes(path);
    try {
      const { quicklook } = (await inspectEarth(path, source, { quicklook: true }))!;
      const { data, shape } = quicklook!.pixels;
      expect(Math.max(shape[0]!, shape[1]!)).toBeLessThanOrEqual(720);
      expect(new Set(data.filter((_, i) => i % shape[2]! === 0)).size).toBeGreaterThan(1);
    } finally {
      await source?.close();
    }
  });
});
