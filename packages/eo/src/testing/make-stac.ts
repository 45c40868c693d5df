// Writes small series of STAC items with their rasters for tests: bands of 10 and 20 m, classes of 20 m, as Sentinel-2
// has them.

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeScene } from './scenes.ts';

/** Pixels of the 10 m bands. */
export const sceneSize = { width: 40, height: 30 } as const;

/** A value of a band on a date; 0 in the last columns, where there are no data. */
export const valueOf = (date: number, band: number, x: number, y: number): number =>
  x > 35 ? 0 : 1000 + date * 50 + band * 10 + x + y;

/** The class of a pixel of 20 m: 9 for clouds in a square that moves with the date. */
export const classOf = (date: number, x: number, y: number): number =>
  x >= 3 + date && x < 6 + date && y >= 4 && y < 8 ? 9 : 4;

/** What differs from one item to the next. */
export interface MadeItem {
  readonly properties?: { readonly [name: string]: unknown };
  readonly assets?: { readonly [key: string]: unknown };
  readonly [member: string]: unknown;
}

/**
 * An item of a date, with the assets red, green, blue (10 m), nir and scl (20 m); members of `more` go before its own.
 */
export function madeItem(date: number, more: MadeItem = {}): { [member: string]: unknown } {
  const day = String(date + 1).padStart(2, '0');
  const id = `S2A_33UUP_202401${day}_0_L2A`;
  const { properties, assets, ...members } = more;
  const asset = (key: string, nodata: number) => ({
    href: `./${id}/${key}.tif`,
    type: 'image/tiff; application=geotiff; profile=cloud-optimized',
    roles: ['data'],
    'raster:bands': [{ nodata, data_type: key === 'scl' ? 'uint8' : 'uint16' }],
  });
  return {
    type: 'Feature',
    stac_version: '1.0.0',
    id,
    collection: 'sentinel-2-l2a',
    bbox: [13.6, 47.8, 13.7, 47.9],
    geometry: null,
    links: [],
    properties: {
      datetime: `2024-01-${day}T10:17:31.024Z`,
      'eo:cloud_cover': date * 10,
      'grid:code': 'MGRS-33UUP',
      platform: 'sentinel-2a',
      ...properties,
    },
    assets: {
      ...Object.fromEntries(['red', 'green', 'blue', 'nir', 'scl'].map((key) => [key, asset(key, 0)])),
      ...assets,
    },
    ...members,
  };
}

/** Writes the rasters of a date below a folder. */
export async function writeItemScenes(folder: string, date: number): Promise<void> {
  const item = madeItem(date);
  const place = join(folder, item['id'] as string);
  await mkdir(place, { recursive: true });
  const { width, height } = sceneSize;
  const at = { crs: 'EPSG:32633', bands: 1 } as const;
  for (const [band, key] of ['red', 'green', 'blue'].entries())
    await writeScene(join(place, `${key}.tif`), (x, y) => valueOf(date, band, x, y), { ...at, nodata: 0 });
  const coarse = {
    ...at,
    width: width / 2,
    height: height / 2,
    transform: [20, 0, 399_960, 0, -20, 5_300_040] as [number, number, number, number, number, number],
  };
  await writeScene(join(place, 'nir.tif'), (x, y) => valueOf(date, 3, 2 * x, 2 * y), { ...coarse, nodata: 0 });
  await writeScene(join(place, 'scl.tif'), (x, y) => classOf(date, x, y), {
    ...coarse,
    type: 'uint8',
    nodata: 0,
    resampling: 'mode',
  });
}

/** Writes `items.json` with an item collection below a folder that has the rasters, and returns its path. */
export async function writeCollection(
  folder: string,
  items: readonly unknown[],
  more: { readonly [member: string]: unknown } = {},
  name = 'items.json',
): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, JSON.stringify({ type: 'FeatureCollection', features: items, ...more }));
  return path;
}
