// Finds the files that a picture of a STAC item is read from: its assets, and what the item says of their bands.

import { closest } from '@deepearth/core';
import type { BandMeaning, RasterPart, RasterRef } from '../geotiff/raster-ref.ts';
import { isHttp } from '../http-source.ts';
import { hasScheme, resolveHref } from './document.ts';
import { itemError, type StacAsset, type StacItem } from './item.ts';
import type { StacSourceOptions } from './source-options.ts';

/** The assets of the options, or those that items usually show. Throws an `InputError` with the code E_ASSET. */
export function assetsOf(items: readonly StacItem[], assets: StacSourceOptions['assets']): readonly string[] {
  if (assets !== undefined) return typeof assets === 'string' ? [assets] : assets;
  const all = (keys: readonly string[]): boolean => items.every((item) => keys.every((each) => findAsset(item, each)));
  const [first] = items;
  const data = dataOf(first!);
  const found = [...pictures, ...(data.length === 1 ? [data] : [])].find(all);
  if (found) return found;
  throw itemError(
    first!,
    'E_ASSET',
    `has ${data.length > 1 ? 'several assets of data' : 'no asset that is usual for pictures'}: ${keysOf(first!)}.`,
    'Name those that are to be read with `assets`.',
  );
}

/** Assets that show a picture by themselves, the best first. */
const pictures: readonly (readonly string[])[] = [['visual'], ['red', 'green', 'blue']];

const dataOf = ({ assets }: StacItem): string[] =>
  [...assets].filter(([, { roles }]) => roles.includes('data')).map(([key]) => key);

/** What a small picture of an item is drawn of: what shows one, else its first asset of data. */
export function shownAssets(item: StacItem): readonly string[] {
  const found = pictures.find((keys) => keys.every((key) => findAsset(item, key))) ?? dataOf(item).slice(0, 1);
  if (found.length) return found;
  throw itemError(
    item,
    'E_ASSET',
    `has no asset that a picture could be drawn of: ${keysOf(item)}.`,
    'Leave --picture out.',
  );
}

const keysOf = ({ assets }: StacItem): string => {
  const keys = [...assets.keys()];
  return keys.length ? `${keys.slice(0, 40).join(', ')}${keys.length > 40 ? ', …' : ''}` : 'none';
};

/** What the picture of an item is read from. Throws an `InputError` with the code E_ASSET that names the item. */
export async function refOf(
  item: StacItem,
  keys: readonly string[],
  { mask, grid, resampling, scaled }: Pick<StacSourceOptions, 'mask' | 'grid' | 'resampling' | 'scaled'>,
): Promise<RasterRef> {
  const parts: RasterPart[] = [];
  for (const key of keys) {
    const asset = assetOf(item, key);
    const meanings = meaningsOf(item, asset, key, keys.length > 1, scaled);
    parts.push({ uri: await placeOfAsset(item, key, asset), ...meanings });
  }
  if (mask) parts.push({ uri: await placeOfAsset(item, mask.asset, assetOf(item, mask.asset)), mask: true });
  const { asset, ...rest } = grid ?? {};
  const part = asset === undefined ? -1 : keys.indexOf(asset);
  return { parts, ...(grid && { grid: { ...(part >= 0 && { part }), ...rest } }), resampling };
}

/** The asset of a key, else the only one whose band has that common name. */
function findAsset({ assets }: StacItem, key: string): StacAsset | undefined {
  const own = assets.get(key);
  if (own) return own;
  const called = [...assets.values()].filter(({ commonName }) => commonName === key);
  return called.length === 1 ? called[0] : undefined;
}

function assetOf(item: StacItem, key: string): StacAsset {
  const found = findAsset(item, key);
  if (found) return found;
  const guess = closest(key, [...item.assets.keys()]);
  throw itemError(
    item,
    'E_ASSET',
    `has no asset ${JSON.stringify(key)}: it has ${keysOf(item)}.`,
    guess
      ? `Did you mean ${JSON.stringify(guess)}?`
      : 'Name one of them; with `onError: skip` the run goes on without items that lack it.',
  );
}

/** Where the file of an asset lies: its address or path, else another one that can be read. */
async function placeOfAsset(item: StacItem, key: string, { href, alternates }: StacAsset): Promise<string> {
  const places = await Promise.all([href, ...alternates].map((each) => resolveHref(item.base, each)));
  const readable = places.find((place) => isHttp(place) || !hasScheme(place));
  if (readable !== undefined) return readable;
  const [scheme] = href.split(':', 1);
  const bucket = /^s3:\/\/([^/]+)\/(.+)$/i.exec(href);
  throw itemError(
    item,
    'E_ASSET',
    `keeps its asset ${JSON.stringify(key)} at ${scheme}://…, and only files and https:// are read.`,
    bucket
      ? `Of a public bucket write its https address into the item ("https://${bucket[1]}.s3.amazonaws.com/…"), or download it.`
      : 'Download it, or write its https address into the item.',
  );
}

/** What the item says of the bands of an asset. */
function meaningsOf(
  { properties }: StacItem,
  { bands, general }: StacAsset,
  key: string,
  several: boolean,
  scaled: boolean,
): Pick<RasterPart, 'bands' | 'others'> {
  const applied = properties['earthsearch:boa_offset_applied'] === true;
  const applying = ({ scale, offset, ...rest }: BandMeaning): BandMeaning => ({
    ...rest,
    ...(scaled && scale !== undefined && { scale }),
    ...(scaled && offset !== undefined && { offset: applied ? 0 : offset }),
  });
  const own = bands.map(applying);
  const others = applying(general);
  // A file of one band is called by its key, as people name it.
  const found = own.length > 1 || (own.length === 0 && !several) ? own : [{ ...(own[0] ?? others), name: key }];
  return {
    ...(found.some(saysSomething) && { bands: found }),
    ...(saysSomething(others) && { others }),
  };
}

const saysSomething = (meaning: BandMeaning): boolean => Object.keys(meaning).length > 0;
