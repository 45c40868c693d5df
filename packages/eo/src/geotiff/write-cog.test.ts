import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Affine } from '../affine.ts';
import { cogBytes, madeRaster, type Value } from '../testing/scenes.ts';
import { openGeoTiff } from './open-geotiff.ts';
import { blockEdge, cogLevels, type CogRaster } from './write-cog.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cog-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const raster = (
  size: Pick<CogRaster, 'width' | 'height' | 'bands' | 'type'>,
  value: Value,
  more: Partial<CogRaster> = {},
): CogRaster => madeRaster(value, { ...size, ...more });

let files = 0;
async function write(made: CogRaster): Promise<string> {
  const path = join(folder, `${files++}.tif`);
  await writeFile(path, await cogBytes(made));
  return path;
}

const noise: Value = (x, y, band) => (x * 7919 + y * 104_729 + band * 31) % 251;

describe('what is written', () => {
  test('is what is read, whatever size, type and number of bands', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          width: fc.integer({ min: 1, max: 300 }),
          height: fc.integer({ min: 1, max: 300 }),
          bands: fc.integer({ min: 1, max: 5 }),
          type: fc.constantFrom('uint8' as const, 'uint16' as const, 'float32' as const),
        }),
        async (size) => {
          const value: Value = size.type === 'float32' ? (x, y, band) => Math.fround(noise(x, y, band) / 7) : noise;
          const file = await openGeoTiff(await write(raster(size, value)));
          try {
            expect([file.width, file.height, file.bands.length, file.dtype]).toEqual(Object.values(size));
            const { bands } = await file.read();
            for (const [band, values] of bands.entries())
              for (let i = 0; i < values.length; i++)
                if (values[i] !== value(i % size.width, Math.floor(i / size.width), band))
                  throw new Error(`value ${i} of band ${band} is ${values[i]}`);
          } finally {
            await file.close();
          }
        },
      ),
      { numRuns: 25 },
    );
  });

  test('keeps its place to the last bit, north up or rotated', async () => {
    const number = fc.double({ min: -1e6, max: 1e6, noNaN: true });
    const step = fc.double({ min: 1e-4, max: 1e4, noNaN: true });
    await fc.assert(
      fc.asyncProperty(fc.tuple(step, number, number, step, fc.boolean(), step), async ([a, c, f, e, turned, b]) => {
        const transform: Affine = turned ? [a, b, c, -b, -e, f] : [a, 0, c, 0, -e, f];
        const file = await openGeoTiff(
          await write(raster({ width: 3, height: 2, bands: 1, type: 'uint8' }, noise, { transform })),
        );
        await file.close();
        expect(file.transform!.map((each) => each + 0)).toEqual(transform.map((each) => each + 0));
      }),
      { numRuns: 40 },
    );
  });

  test('keeps its coordinate system, names, time and tags', async () => {
    const wkt =
      'PROJCS["MODIS Sinusoidal",GEOGCS["custom",DATUM["custom",SPHEROID["custom",6371007.181,0]],PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433]],PROJECTION["Sinusoidal"],PARAMETER["longitude_of_center",0],PARAMETER["false_easting",0],PARAMETER["false_northing",0],UNIT["metre",1]]';
    const size = { width: 5, height: 4, bands: 2, type: 'float32' } as const;
    for (const [crs, read] of [
      ['EPSG:32613', 'EPSG:32613'],
      ['EPSG:4326', 'EPSG:4326'],
      ['EPSG:4258', 'EPSG:4258'],
      ['EPSG:7844', 'EPSG:7844'],
      ['EPSG:5070', 'EPSG:5070'],
      [wkt, wkt],
      ['GEOGCS["WGS 84",DATUM["WGS_1984"],AUTHORITY["EPSG","4326"]]', 'EPSG:4326'],
    ] as const) {
      const file = await openGeoTiff(
        await write(
          raster(size, noise, {
            crs,
            nodata: NaN,
            at: '2024-01-05T17:47:31Z',
            tags: { FRAMES: '0-15', NOTE: 'ü < & "q"' },
            bandNames: ['pca 1', 'a & b'],
          }),
        ),
      );
      await file.close();
      expect(file.crs).toBe(read);
      expect(file.time).toBe('2024-01-05T17:47:31Z');
      expect(file.nodata).toBeNaN();
      expect(file.bands.map(({ name }) => name)).toEqual(['pca 1', 'a & b']);
      expect(file.tags).toMatchObject({ FRAMES: '0-15', NOTE: 'ü < & "q"' });
    }
  });

  test('has overviews of the pixels that hold data: means of numbers, the most frequent of groups', async () => {
    const size = { width: 600, height: 300, bands: 1, type: 'float32' } as const;
    // The left half holds nothing; the rest grows by one from pixel to pixel.
    const means = await openGeoTiff(await write(raster(size, (x) => (x < 301 ? NaN : x), { nodata: NaN })));
    expect(means.overviews.map(({ factor }) => factor)).toEqual([2, 4]);
    const [half] = (await means.read({ overview: 0 })).bands;
    await means.close();
    expect(half![149]).toBeNaN();
    expect([half![150], half![151], half![299]]).toEqual([301, 302.5, 598.5]);
    const groups = await openGeoTiff(
      await write(
        raster({ ...size, type: 'uint8' }, (x, y) => (x % 2 && y % 2 ? 9 : 4), { nodata: 255, resampling: 'mode' }),
      ),
    );
    const [classes] = (await groups.read({ overview: 1 })).bands;
    await groups.close();
    expect(new Set(classes)).toEqual(new Set([4]));
  });

  test('with opacity has overviews whose colours are not mixed with what cannot be seen', async () => {
    const file = await openGeoTiff(
      await write(
        raster(
          { width: 400, height: 400, bands: 4, type: 'uint8' },
          (x, _, band) => (x % 2 ? 0 : band === 3 ? 255 : 200),
          { colours: true },
        ),
      ),
    );
    const { bands, valid } = await file.read({ overview: 0 });
    await file.close();
    expect(file.mask).toBe('alpha');
    expect(new Set(bands[0])).toEqual(new Set([200]));
    expect(valid.every((mask) => mask === undefined)).toBe(true);
  });
});

test('blocks are smaller for many bands, and levels halve until one block holds all', () => {
  expect(blockEdge({ width: 5000, height: 100, bands: 3, type: 'float32' })).toBe(256);
  expect(blockEdge({ width: 24, height: 20, bands: 3, type: 'float32' })).toBe(32);
  expect(blockEdge({ width: 5000, height: 5000, bands: 1408, type: 'float32' })).toBe(16);
  expect(cogLevels(1000, 300, 256)).toEqual([
    { width: 1000, height: 300 },
    { width: 500, height: 150 },
    { width: 250, height: 75 },
  ]);
});

const validator = [
  '/usr/lib/python3/dist-packages/osgeo_utils/samples/validate_cloud_optimized_geotiff.py',
  '/usr/share/doc/python3-gdal/examples/validate_cloud_optimized_geotiff.py',
].find((path) => existsSync(path));

describe.skipIf(!validator)("GDAL's validator (needs Debian's python3-gdal)", () => {
  test.each([
    ['numbers', raster({ width: 700, height: 513, bands: 3, type: 'float32' }, noise, { nodata: NaN })],
    [
      'groups',
      raster({ width: 600, height: 600, bands: 1, type: 'uint8' }, noise, {
        nodata: 255,
        resampling: 'mode',
        palette: [
          [0, 100, 0],
          [255, 187, 34],
        ],
      }),
    ],
    ['colours', raster({ width: 300, height: 900, bands: 4, type: 'uint8' }, noise, { colours: true })],
    ['many bands', raster({ width: 130, height: 70, bands: 300, type: 'float32' }, noise)],
    ['a small one', raster({ width: 24, height: 24, bands: 2, type: 'uint16' }, noise)],
  ])('takes %s', async (_, made) => {
    const path = await write(made);
    const { status, stdout, stderr } = spawnSync('/usr/bin/python3', [validator!, '--full-check=yes', path], {
      encoding: 'utf8',
    });
    expect(stdout + stderr).toMatch(/is a valid cloud optimized GeoTIFF/);
    expect(status).toBe(0);
    const { stdout: said } = spawnSync('gdalinfo', ['-json', path], { encoding: 'utf8' });
    expect(JSON.parse(said)).toMatchObject({
      size: [made.width, made.height],
      geoTransform: [399_960, 10, 0, 5_300_040, 0, -10],
      metadata: { IMAGE_STRUCTURE: { LAYOUT: 'COG' } },
    });
  });
});
