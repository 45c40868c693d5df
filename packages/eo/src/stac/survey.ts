// Looks at STAC items before any pixel is read: which are wanted, their sequences and order, and what their files have in common.

import { closest, InputError, type InputFile, type Json } from '@deepearth/core';
import { isoOf } from '@deepearth/vision/instant';
import { byName, findFiles } from '../geotiff/find-files.ts';
import type { BandMeaning, RasterPart, RasterRef } from '../geotiff/raster-ref.ts';
import { readFacts, usualOf, type ListedRaster, type SeriesSurvey } from '../geotiff/series-survey.ts';
import { isHttp } from '../http-source.ts';
import { resolveHref } from './document.ts';
import { itemError, itemName, type StacAsset, type StacItem } from './item.ts';
import { readItems } from './read-items.ts';
import { sequencesOf } from './sequences.ts';
import type { StacSourceOptions } from './source-options.ts';

/** The items that become frames. */
export interface StacSurvey extends SeriesSurvey {
  /** Keys of the assets that are read. */
  readonly assets: readonly string[];
  /** "16 items of 2 sequences". */
  readonly counted: string;
  /** The documents on disk that they stand in. */
  readonly inputs: readonly InputFile[];
}

const json = { endings: /\.(?:json|geojson)$/i, what: 'JSON (.json, .geojson)' };

/**
 * Throws an `InputError` for documents that are no STAC or cannot be read, and where no item is left. What is wrong with one
 * item is kept beside it.
 */
export async function surveyStac(options: StacSourceOptions, signal: AbortSignal): Promise<StacSurvey> {
  const { timeoutSeconds, maxCloudCover } = options;
  const documents = await findFiles(options.items, json);
  const { items, inputs, warnings } = await readItems(documents, { timeoutSeconds, signal });
  const where = documents.length === 1 ? documents[0]! : `${documents.length} documents`;
  if (items.length === 0)
    throw new InputError(where, 'holds no item.', {
      code: 'E_NO_FRAMES',
      remedy: 'Look at the search that it was saved from, or at the links of the catalog.',
    });
  const clear = items.filter(
    ({ properties }) => maxCloudCover === undefined || cloudCoverOf(properties) <= maxCloudCover,
  );
  if (clear.length === 0)
    throw new InputError(where, `has ${items.length} items, and none of up to ${maxCloudCover} % clouds.`, {
      code: 'E_NO_FRAMES',
      remedy: 'Raise `maxCloudCover`, or leave it out.',
    });
  const assets = assetsOf(clear, options);
  const sequences = sequencesOf(clear, options.sequences);
  const wanted = new Set(assets);
  const refs = new Map<StacItem, RasterRef | InputError>();
  for (const item of clear) {
    signal.throwIfAborted();
    refs.set(item, await refOf(item, assets, options));
  }
  const ordered = sequences.map(({ sequence, items: own }) => ({ sequence, items: inTime(own) }));
  const listed = ordered.flatMap(({ items: own }) => own);
  const facts = await readFacts(
    listed.map((item) => {
      const ref = refs.get(item)!;
      return ref instanceof InputError ? undefined : ref;
    }),
    options,
    signal,
  );
  const factsOf = new Map(listed.map((item, i) => [item, facts[i]]));
  const series = ordered.map(({ sequence, items: own }) => {
    const rasters = own.map((item, number): ListedRaster => {
      const ref = refs.get(item)!;
      const trouble = ref instanceof InputError ? ref : timeTrouble(item);
      const known = factsOf.get(item);
      return {
        name: itemName(item),
        ref: ref instanceof InputError ? { parts: [{ uri: item.base }], resampling: 'nearest' } : ref,
        number,
        metadata: metadataOf(item),
        ...(item.instant !== undefined && { instant: item.instant }),
        ...(known && { facts: known }),
        ...(trouble && { trouble }),
      };
    });
    const usual = usualOf(rasters);
    return { sequence, rasters, ...(usual && { usual }) };
  });
  return {
    series,
    assets: [...wanted],
    inputs,
    order: orderOf(clear),
    counted: `${plural(clear.length, 'item')} of ${plural(series.length, 'sequence')}, ${assets.length === 1 ? 'asset' : 'assets'} ${listOf(assets)}${cloudNote(items, maxCloudCover)}`,
    warnings: [...warnings, ...cloudWarning(items, maxCloudCover)],
  };
}

const plural = (count: number, one: string): string => `${count} ${count === 1 ? one : `${one}s`}`;
const listOf = (names: readonly string[]): string =>
  names.length > 1 ? `${names.slice(0, -1).join(', ')} and ${names.at(-1)}` : names.join();

/** Infinite where an item does not say it. */
function cloudCoverOf(properties: StacItem['properties']): number {
  const cover = properties['eo:cloud_cover'];
  return typeof cover === 'number' ? cover : Infinity;
}

/** Of those that were asked to be left out. */
function cloudNote(all: readonly StacItem[], most: number | undefined): string {
  const cloudy = all.map(({ properties }) => cloudCoverOf(properties)).filter((each) => each > (most ?? Infinity));
  const known = cloudy.filter(Number.isFinite).length;
  return known ? `, ${known} of ${all.length} left out for more than ${most} % clouds` : '';
}

/** Of those about which nothing is known. */
function cloudWarning(all: readonly StacItem[], most: number | undefined): string[] {
  const silent = all.filter(({ properties }) => cloudCoverOf(properties) === Infinity).length;
  if (most === undefined || !silent) return [];
  const which =
    silent === 1
      ? 'one does not say how many clouds it has, and is'
      : `${silent} do not say how many clouds they have, and are`;
  return [`of ${all.length} items ${which} left out`];
}

/** By time, then by id; those without a time are the last. */
const inTime = (items: readonly StacItem[]): StacItem[] =>
  [...items].sort(({ instant: a, id: one }, { instant: b, id: other }) => {
    if (a === b) return byName(one, other);
    if (a === undefined) return 1;
    if (b === undefined) return -1;
    return a < b ? -1 : 1;
  });

function orderOf(items: readonly StacItem[]): string {
  const instants = items.flatMap(({ instant }) => instant ?? []);
  if (instants.length === 0) return 'without any time';
  const first = instants.reduce((a, b) => (b < a ? b : a));
  const last = instants.reduce((a, b) => (b > a ? b : a));
  return items.length === 1 ? `taken at ${isoOf(first)}` : `ordered by time: ${isoOf(first)} to ${isoOf(last)}`;
}

const timeTrouble = (item: StacItem): InputError | undefined =>
  item.instant !== undefined
    ? undefined
    : itemError(
        item,
        'E_NO_TIME',
        'has no time: neither `datetime` nor `start_datetime` is one.',
        'Write one into it, as "2024-01-05T10:17:31Z"; with `onError: skip` the run goes on without it.',
      );

const kept = ['platform', 'eo:cloud_cover', 'end_datetime'];

/** What a frame keeps of its item. */
function metadataOf({ id, collection, properties }: StacItem): { readonly [name: string]: Json } {
  const own = kept.flatMap((name) => {
    const value = properties[name];
    return typeof value === 'string' || typeof value === 'number' ? [[name, value] as const] : [];
  });
  return { item: id, ...(collection !== undefined && { collection }), ...Object.fromEntries(own) };
}

/** The assets of the options, or those that items usually show. Throws an `InputError` with the code E_ASSET. */
function assetsOf(items: readonly StacItem[], { assets }: StacSourceOptions): readonly string[] {
  if (assets !== undefined) return typeof assets === 'string' ? [assets] : assets;
  const all = (keys: readonly string[]): boolean =>
    items.every(({ assets: own }) => keys.every((each) => own.has(each)));
  for (const keys of [['visual'], ['red', 'green', 'blue']]) if (all(keys)) return keys;
  const [first] = items;
  const data = [...first!.assets].filter(([, { roles }]) => roles.includes('data')).map(([name]) => name);
  if (data.length === 1 && all(data)) return data;
  throw itemError(
    first!,
    'E_ASSET',
    `has ${data.length > 1 ? 'several assets of data' : 'no asset that is usual for pictures'}: ${keysOf(first!)}.`,
    'Name those that are to be read with `assets`.',
  );
}

const keysOf = ({ assets }: StacItem): string => {
  const keys = [...assets.keys()];
  return keys.length ? `${keys.slice(0, 40).join(', ')}${keys.length > 40 ? ', …' : ''}` : 'none';
};

/** What the picture of an item is read from, or why it cannot be. */
async function refOf(
  item: StacItem,
  keys: readonly string[],
  { mask, grid, resampling, scaled }: StacSourceOptions,
): Promise<RasterRef | InputError> {
  try {
    const parts: RasterPart[] = [];
    for (const key of keys) {
      const asset = assetOf(item, key);
      const bands = meaningsOf(item, asset, key, keys.length > 1, scaled);
      parts.push({ uri: await placeOfAsset(item, key, asset), ...(bands && { bands }) });
    }
    if (mask) parts.push({ uri: await placeOfAsset(item, mask.asset, assetOf(item, mask.asset)), mask: true });
    const { asset, ...rest } = grid ?? {};
    const part = asset === undefined ? -1 : keys.indexOf(asset);
    return { parts, ...(grid && { grid: { ...(part >= 0 && { part }), ...rest } }), resampling };
  } catch (error) {
    if (error instanceof InputError) return error;
    throw error;
  }
}

function assetOf(item: StacItem, key: string): StacAsset {
  const found = item.assets.get(key);
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
  const readable = places.find((place) => isHttp(place) || !/^[a-z][a-z0-9+.-]+:/i.test(place));
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

/** What the item says of the bands of an asset; `undefined` where that is nothing. */
function meaningsOf(
  { properties }: StacItem,
  { bands }: StacAsset,
  key: string,
  several: boolean,
  scaled: boolean,
): BandMeaning[] | undefined {
  const applied = properties['earthsearch:boa_offset_applied'] === true;
  const own = bands.map(({ scale, offset, ...rest }): BandMeaning => ({
    ...rest,
    ...(scaled && scale !== undefined && { scale }),
    ...(scaled && offset !== undefined && { offset: applied ? 0 : offset }),
  }));
  // A file of one band is called by its key, as people name it.
  const found = own.length > 1 || (own.length === 0 && !several) ? own : [{ ...own[0], name: key }];
  return found.some((band) => Object.keys(band).length) ? found : undefined;
}
