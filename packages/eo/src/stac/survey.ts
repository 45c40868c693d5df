// Looks at STAC items before any pixel is read: which are wanted, their sequences and order, and what their files have
// in common.

import { InputError, type InputFile, type Json } from '@deepearth/core';
import { isoOf } from '@deepearth/vision/instant';
import { byName, findFiles } from '../geotiff/find-files.ts';
import { fileRef, type RasterRef } from '../geotiff/raster-ref.ts';
import {
  readFacts,
  usualOf,
  type ListedRaster,
  type RasterFacts,
  type RasterSeries,
  type SeriesSurvey,
} from '../geotiff/series-survey.ts';
import { assetsOf, refOf } from './item-raster.ts';
import { itemError, itemName, type StacItem } from './item.ts';
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

const json = { endings: /\.(?:json|geojson)$/i, what: 'JSON (.json, .geojson)', pattern: 'items/**/*.json' };

/**
 * Throws an `InputError` for documents that are no STAC or cannot be read, and where no item is left. What is wrong
 * with one item is kept beside it.
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
  const assets = assetsOf(clear, options.assets);
  const pictures = new Map<StacItem, Picture>();
  for (const item of clear) {
    signal.throwIfAborted();
    pictures.set(item, await pictureOf(item, assets, options));
  }
  const facts = await readFacts(
    clear.map((item) => pictures.get(item)!.ref),
    options,
    signal,
  );
  const factsOf = new Map(clear.map((item, i) => [item, facts[i]]));
  const series = sequencesOf(clear, options.sequences).map(({ sequence, items: own }): RasterSeries => {
    const rasters = inTime(own).map((item, number) => listedItem(item, number, pictures.get(item)!, factsOf.get(item)));
    const usual = usualOf(rasters);
    return { sequence, rasters, ...(usual && { usual }) };
  });
  return {
    series,
    assets,
    inputs,
    order: orderOf(clear),
    counted: `${plural(clear.length, 'item')} of ${plural(series.length, 'sequence')}, ${assets.length === 1 ? 'asset' : 'assets'} ${listOf(assets)}${cloudNote(items, maxCloudCover)}`,
    warnings: [...warnings, ...cloudWarning(items, maxCloudCover), ...oddItems(series)],
  };
}

/** What the frame of an item is read from, or why it cannot be. */
interface Picture {
  readonly ref?: RasterRef;
  readonly trouble?: InputError;
}

async function pictureOf(item: StacItem, assets: readonly string[], options: StacSourceOptions): Promise<Picture> {
  if (item.instant === undefined) return { trouble: noTime(item) };
  try {
    return { ref: await refOf(item, assets, options) };
  } catch (error) {
    if (error instanceof InputError) return { trouble: error };
    throw error;
  }
}

function listedItem(
  item: StacItem,
  number: number,
  { ref, trouble }: Picture,
  facts: RasterFacts | undefined,
): ListedRaster {
  return {
    name: itemName(item),
    // Nothing is read where there is trouble.
    ref: ref ?? fileRef(item.base),
    number,
    metadata: metadataOf(item),
    ...(item.instant !== undefined && { instant: item.instant }),
    ...(facts && { facts }),
    ...(trouble && { trouble }),
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

/** What may be well, and is worth a look. */
function oddItems(series: readonly RasterSeries[]): string[] {
  const rasters = series.flatMap((each) => each.rasters);
  const twins = series.flatMap(({ rasters: own }) =>
    own.filter(({ instant }, i) => instant !== undefined && instant === own[i - 1]?.instant),
  );
  const types = new Map<string, number>();
  for (const { facts } of rasters) if (facts) types.set(facts.frameType, (types.get(facts.frameType) ?? 0) + 1);
  return [
    ...(twins.length
      ? [
          `${plural(twins.length, 'item')} of ${rasters.length} ${twins.length === 1 ? 'shows' : 'show'} the moment of another one of the same tile, the first of them ${String(twins[0]!.metadata?.['item'])}: processed twice, or in parts`,
        ]
      : []),
    ...(types.size > 1
      ? [
          `values of items are of several types (${[...types].map(([type, count]) => `${type} in ${count}`).join(', ')}): some may be scaled and others not`,
        ]
      : []),
  ];
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

const noTime = (item: StacItem): InputError =>
  itemError(
    item,
    'E_NO_TIME',
    'has no time: neither `datetime` nor `start_datetime` is one.',
    'Write one into it, as "2024-01-05T10:17:31Z"; with `onError: skip` beside its `with`, the source goes on without it.',
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
