// What `deepearth inspect` says of STAC documents: their items, assets, times and bounds.

import { InputError, type Json } from '@deepearth/core';
import { isoOf } from '@deepearth/vision/instant';
import { rasterPool } from '../geotiff/raster-pool.ts';
import { useRaster } from '../geotiff/use-raster.ts';
import { rasterQuicklook, type Quicklook } from '../quicklook.ts';
import { refOf, shownAssets } from './item-raster.ts';
import { instantOfText, itemName, type StacAsset, type StacItem } from './item.ts';
import { readItems, type StacItems } from './read-items.ts';
import { tileOf } from './sequences.ts';

/** A description as JSON. */
export type StacInspection = { readonly [field: string]: Json };

/** Times that are listed. */
const mostTimes = 100_000;

/**
 * Describes a document and all that it links to: `type`, `stac_version`, `items` (how many), `collections` and `tiles`
 * with how many items each has, `times` in order (of an item that stands for a period its beginning), `until` where
 * items end later than the last of them, `untimed` where items have none, `bounds_epsg4326`, `cloud_cover` (least and
 * greatest), `assets` by key with how many `items` have each, `warnings`. Throws what `readItems` throws.
 */
export async function inspectStac(
  path: string,
  bytes: number,
  signal: AbortSignal | undefined,
): Promise<{ readonly json: StacInspection; readonly found: StacItems }> {
  const found = await readItems([path], { signal });
  const { items, kind, version, warnings } = found;
  const times = items.flatMap(({ instant }) => instant ?? []).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const last = items
    .flatMap(({ properties }) => instantOfText(properties['end_datetime']) ?? [])
    .reduce((a, b) => (a < b ? b : a), times.at(-1) ?? 0n);
  const covers = items.flatMap(({ properties }) => {
    const cover = properties['eo:cloud_cover'];
    return typeof cover === 'number' ? [cover] : [];
  });
  const bounds = boundsOfAll(items);
  const json = {
    kind: 'stac',
    bytes,
    type: kind,
    stac_version: version ?? items[0]?.version ?? null,
    items: items.length,
    collections: counted(items, ({ collection }) => collection),
    tiles: counted(items, tileOf),
    times: times.slice(0, mostTimes).map(isoOf),
    ...(times.length && last > times.at(-1)! && { until: isoOf(last) }),
    ...(times.length < items.length && { untimed: items.length - times.length }),
    ...(bounds && { bounds_epsg4326: bounds }),
    ...(covers.length && { cloud_cover: [Math.min(...covers), Math.max(...covers)] }),
    assets: assetsJson(items),
    ...(warnings.length && { warnings }),
  };
  return { json, found };
}

/**
 * Draws the assets of the first item that shows a picture. Throws an `InputError` with the code E_ASSET where none
 * does.
 */
export async function stacQuicklook(
  path: string,
  { items: [first] }: StacItems,
  signal: AbortSignal | undefined,
): Promise<Quicklook> {
  if (!first)
    throw new InputError(path, 'holds no item of which a picture could be drawn.', {
      code: 'E_NO_FRAMES',
      remedy: 'Leave --picture out.',
    });
  const keys = shownAssets(first);
  const ref = await refOf(first, keys, { scaled: true, resampling: 'nearest' });
  const pool = rasterPool(signal);
  try {
    const drawn = await useRaster(pool, ref, (raster) => rasterQuicklook(raster, signal));
    return {
      ...drawn,
      json: { item: first.id, assets: keys, ...drawn.json },
      text: `${itemName(first)}, ${drawn.text}`,
    };
  } finally {
    await pool.close();
  }
}

function counted(items: readonly StacItem[], of: (item: StacItem) => string | undefined): { [name: string]: number } {
  const counts = new Map<string, number>();
  for (const item of items) {
    const name = of(item);
    if (name !== undefined) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return Object.fromEntries(counts);
}

/** West is the greater one where items lie across 180 degrees. */
function boundsOfAll(items: readonly StacItem[]): readonly number[] | undefined {
  const boxes = items.flatMap(({ bbox }) => (bbox ? [bbox as readonly [number, number, number, number]] : []));
  if (boxes.length === 0) return undefined;
  const across = boxes.some(([west, , east]) => west > east);
  // One that lies across it is followed eastwards: longitudes then go on beyond 180.
  const turned = boxes.map(([west, south, east, north]) =>
    across
      ? ([west < 0 ? west + 360 : west, south, east < 0 ? east + 360 : east, north] as const)
      : ([west, south, east, north] as const),
  );
  const west = Math.min(...turned.map((each) => each[0]));
  const south = Math.min(...turned.map((each) => each[1]));
  const east = Math.max(...turned.map((each) => each[2]));
  const north = Math.max(...turned.map((each) => each[3]));
  return [west > 180 ? west - 360 : west, south, east > 180 ? east - 360 : east, north];
}

/** Each asset as the first item that has it says it. */
function assetsJson(items: readonly StacItem[]): { [key: string]: Json } {
  const counts = new Map<string, { readonly asset: StacAsset; items: number }>();
  for (const { assets } of items)
    for (const [key, asset] of assets) {
      const known = counts.get(key);
      if (known) known.items++;
      else counts.set(key, { asset, items: 1 });
    }
  return Object.fromEntries(
    [...counts].map(([key, { asset, items: count }]) => {
      const { mediaType, roles, href, general } = asset;
      // One entry that is said of all bands, where there is none of each.
      const bands = asset.bands.length || Object.keys(general).length === 0 ? asset.bands : [general];
      return [
        key,
        { items: count, type: mediaType ?? null, roles, ...(bands.length && { bands: bands as Json }), href },
      ];
    }),
  );
}

interface Described {
  readonly [field: string]: Json;
}

const plural = (items: number): string => `${items} ${items === 1 ? 'item' : 'items'}`;
/** Names of assets, of collections and of tiles that are listed. */
const mostListed = 40;
const listed = (names: readonly string[]): readonly string[] =>
  names.length > mostListed ? [...names.slice(0, mostListed), `… (${names.length})`] : names;

/** A description for people. */
export function stacText(json: StacInspection): string {
  const {
    type,
    stac_version,
    items,
    collections,
    tiles,
    times,
    until,
    untimed,
    bounds_epsg4326,
    cloud_cover,
    assets,
    warnings,
  } = json;
  const list = (counts: Json | undefined): string =>
    listed(Object.entries(counts as Described).map(([name, count]) => `${name} (${String(count)})`)).join(', ');
  const all = times as readonly string[];
  const head = [
    `STAC ${String(stac_version ?? '')} ${String(type)}, ${plural(Number(items))}`,
    ...(list(collections) ? [`collections  ${list(collections)}`] : []),
    ...(list(tiles) ? [`tiles        ${list(tiles)}`] : []),
    ...(all.length
      ? [
          `times        ${all[0]}${all.length > 1 ? ` to ${all.at(-1)} (${all.length} times)` : ''}${until === undefined ? '' : `, until ${String(until)}`}`,
        ]
      : []),
    ...(untimed === undefined ? [] : [`without time ${String(untimed)}`]),
    ...(bounds_epsg4326 ? [`bounds       ${(bounds_epsg4326 as readonly number[]).join(', ')} (degrees)`] : []),
    ...(cloud_cover ? [`clouds       ${[...new Set(cloud_cover as readonly number[])].join(' to ')} %`] : []),
    'assets',
  ];
  const keys = Object.entries(assets as Described).map(([key, value]) => {
    const { items: count, type: mediaType, roles, bands } = value as Described;
    const meanings = (bands as readonly Described[] | undefined)?.map((band) =>
      Object.entries(band)
        .map(([name, each]) => `${name} ${String(each)}`)
        .join(' '),
    );
    return `  ${key}  ${[String(mediaType ?? 'no media type'), (roles as readonly string[]).join(' '), ...(meanings ?? [])].filter(Boolean).join(', ')}${count === items ? '' : ` (${plural(Number(count))})`}`;
  });
  return [...head, ...listed(keys), ...((warnings as readonly string[] | undefined) ?? [])].join('\n');
}
