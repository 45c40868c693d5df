// The files that GDAL wrote, against what GDAL says is in them.

import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { toGdal } from '../affine.ts';
import { outlineOf } from '../crs/outline.ts';
import { openGeoTiff, type RasterWindow } from './open-geotiff.ts';
import type { Samples } from './samples.ts';

const folder = fileURLToPath(new URL('../../../../../shared/reference/eo/', import.meta.url));

interface Expected {
  readonly kind: string;
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly crs?: { readonly epsg: number };
  readonly geotransform: readonly number[];
  readonly bounds: readonly number[];
  readonly bounds_epsg4326: readonly number[];
  readonly nodata: number | 'NaN' | null;
  readonly area_or_point: string;
  readonly tiff: Record<string, unknown>;
  readonly mask: { readonly kind: readonly string[]; readonly sha256?: string };
  readonly bands: readonly Record<string, unknown>[];
  readonly sha256: string;
  readonly tolerance?: string;
  readonly time?: string;
  readonly tags: Record<string, string>;
  readonly samples: readonly { readonly index: readonly [number, number, number]; readonly value: number | 'NaN' }[];
  readonly overviews?: readonly { readonly sha256: string }[];
  readonly palette?: { readonly rgb_sha256: string };
  readonly rows_readable?: number;
  readonly sha256_of_readable_rows?: string;
}

const files: Record<string, Expected> = existsSync(`${folder}expected.json`)
  ? (JSON.parse(readFileSync(`${folder}expected.json`, 'utf8')) as { files: Record<string, Expected> }).files
  : {};
const named = (kind: string): string[] =>
  Object.keys(files).filter((name) => files[name]!.kind === kind && name.endsWith('.tif'));

test.skipIf(!existsSync(folder))('the files beside the repository are listed (skipped without them)', () => {
  expect(named('geotiff').length).toBeGreaterThan(10);
});

const bytesOf = (values: Samples): Uint8Array => new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
function digest(bands: readonly Samples[]): string {
  const hash = createHash('sha256');
  for (const band of bands) hash.update(bytesOf(band));
  return hash.digest('hex');
}

function statistics({ bands, valid }: RasterWindow): object[] {
  return bands.map((values, i) => {
    let [count, sum, min, max] = [0, 0, Infinity, -Infinity];
    for (let at = 0; at < values.length; at++) {
      if (valid[i]?.[at] === 0) continue;
      const value = values[at]!;
      count++;
      sum += value;
      min = Math.min(min, value);
      max = Math.max(max, value);
    }
    return { valid_count: count, min, max, mean: sum / count };
  });
}

describe.skipIf(named('geotiff').length === 0)('files of GDAL (needs ../shared/reference)', () => {
  test.each(named('geotiff'))('%s', async (name) => {
    const expected = files[name]!;
    const raster = await openGeoTiff(folder + name);
    try {
      const whole = await raster.read();
      expect([raster.bands.length, raster.height, raster.width]).toEqual(expected.shape);
      expect(raster.dtype).toBe(expected.dtype);
      if (expected.crs) expect(raster.crs).toBe(`EPSG:${expected.crs.epsg}`);
      expect(toGdal(raster.transform!)).toEqual(expected.geotransform);
      expect(raster.bounds).toEqual(expected.bounds);
      const { bounds } = outlineOf(raster.crs!, raster.transform!, raster.width, raster.height)!;
      expect(bounds).toEqual(expected.bounds_epsg4326.map((each) => expect.closeTo(each, 9)));
      expect(raster.nodata).toEqual(expected.nodata === null ? undefined : Number(expected.nodata));
      expect(raster.areaOrPoint).toBe(expected.area_or_point);
      expect(raster.mask).toBe(expected.mask.kind[0]);
      expect(raster.time).toBe(expected.time);
      expect(raster.tags).toMatchObject(expected.tags);
      expect(raster.tiff).toMatchObject({
        interleave: expected.tiff['interleave'],
        tiled: expected.tiff['tiled'],
        block: expected.tiff['block'],
        byteOrder: expected.tiff['byte_order'],
        bigTiff: expected.tiff['bigtiff'],
      });
      expect(raster.overviews.map(({ factor }) => factor)).toEqual(expected.tiff['overviews']);
      const found = statistics(whole);
      for (const [i, band] of expected.bands.entries()) {
        const { name: bandName, interpretation, scale, offset, unit, mean, ...exact } = band;
        expect({ unit: null, name: null, ...raster.bands[i] }).toEqual({
          name: bandName,
          interpretation,
          scale,
          offset,
          unit,
        });
        if (expected.tolerance) continue;
        expect(found[i]).toMatchObject(exact);
        expect((found[i] as { mean: number }).mean / (mean as number)).toBeCloseTo(1, 9);
      }
      if (expected.tolerance) {
        const off = expected.samples.map(({ index: [band, y, x], value }) =>
          Math.abs(whole.bands[band]![y * whole.width + x]! - Number(value)),
        );
        expect(Math.max(...off)).toBeLessThanOrEqual(20);
        expect(off.reduce((sum, each) => sum + each, 0) / off.length).toBeLessThanOrEqual(2);
      } else expect(digest(whole.bands)).toBe(expected.sha256);
      if (expected.mask.sha256) expect(digest([whole.valid[0]!.map((each) => each * 255)])).toBe(expected.mask.sha256);
      for (const [overview, { sha256 }] of (expected.overviews ?? []).entries())
        expect(digest((await raster.read({ overview })).bands)).toBe(sha256);
      if (expected.palette) {
        const [classes] = whole.bands;
        const planes = [0, 1, 2].map((channel) =>
          Uint8Array.from(classes!, (value) => raster.palette![value]![channel]!),
        );
        expect(digest(planes)).toBe(expected.palette.rgb_sha256);
      }
    } finally {
      await raster.close();
    }
  });

  test.each(named('bad'))('%s is refused by its name; what is whole of it is read', async (name) => {
    const { rows_readable: rows, sha256_of_readable_rows: sha256 } = files[name]!;
    const raster = await openGeoTiff(folder + name);
    try {
      const error = await raster.read().catch((caught: unknown) => caught);
      expect(error).toMatchObject({ name: 'InputError', code: 'E_FILE_TRUNCATED', subject: folder + name });
      expect(String(error)).toMatch(/strip \d+ \(rows 32 to 47\).*cut short.*Copy it again/);
      const readable = await raster.read({ window: { x: 0, y: 0, width: raster.width, height: rows! } });
      expect(digest(readable.bands)).toBe(sha256);
    } finally {
      await raster.close();
    }
  });
});
