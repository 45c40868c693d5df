// What a STAC item says of itself, its assets and their bands (STAC 1.0 and 1.1).

import { InputError } from '@deepearth/core';
import { instantOf, type Instant } from '@deepearth/vision/instant';
import type { BandMeaning } from '../geotiff/raster-ref.ts';
import { isObject, notStac, type JsonObject } from './document.ts';

/** A file of an item. */
export interface StacAsset {
  /** As it stands in the document. */
  readonly href: string;
  /** Other places of the same file, by name (extension `alternate-assets`). */
  readonly alternates: readonly string[];
  readonly mediaType: string | undefined;
  readonly roles: readonly string[];
  /** In the order of the file; empty where nothing is said of each. */
  readonly bands: readonly BandMeaning[];
  /** What is said of all bands alike; part of each of `bands` already. */
  readonly general: BandMeaning;
  /** Of its only band: "red", "nir08" (extension `eo`); absent for several bands. */
  readonly commonName?: string;
}

/** One item. */
export interface StacItem {
  readonly id: string;
  readonly collection: string | undefined;
  /** `stac_version`. */
  readonly version: string | undefined;
  /** The document that it stands in: its links are relative to this. */
  readonly base: string;
  /** `datetime`, or else `start_datetime`; absent where neither is a time. */
  readonly instant: Instant | undefined;
  readonly properties: JsonObject;
  readonly assets: ReadonlyMap<string, StacAsset>;
  /** `[west, south, east, north]` in degrees. */
  readonly bbox: readonly number[] | undefined;
}

/** Reads an item. Throws an `InputError` with the code E_STAC where it is none. */
export function parseItem(value: unknown, base: string): StacItem {
  if (!isObject(value) || value['type'] !== 'Feature') throw notStac(base, 'holds an item that is no GeoJSON feature.');
  const { id, properties, assets, collection, bbox } = value;
  if (typeof id !== 'string' || id === '') throw notStac(base, 'holds an item without an id.');
  if (!isObject(assets))
    throw notStac(base, `holds the feature ${JSON.stringify(id)} without assets: it is GeoJSON, but no STAC item.`);
  const own = isObject(properties) ? properties : {};
  return {
    id,
    collection: typeof collection === 'string' ? collection : undefined,
    version: typeof value['stac_version'] === 'string' ? value['stac_version'] : undefined,
    base,
    instant: instantOfText(own['datetime']) ?? instantOfText(own['start_datetime']),
    properties: own,
    assets: new Map(
      Object.entries(assets).flatMap(([key, asset]) =>
        isObject(asset) && typeof asset['href'] === 'string' ? [[key, parseAsset(asset, asset['href'])] as const] : [],
      ),
    ),
    bbox: boxOf(bbox),
  };
}

function parseAsset(asset: JsonObject, href: string): StacAsset {
  const { alternate, type, roles } = asset;
  const commonName = commonNameOf(asset);
  return {
    href,
    ...(commonName !== undefined && { commonName }),
    alternates: isObject(alternate)
      ? Object.values(alternate).flatMap((each) =>
          isObject(each) && typeof each['href'] === 'string' ? [each['href']] : [],
        )
      : [],
    mediaType: typeof type === 'string' ? type : undefined,
    roles: Array.isArray(roles) ? roles.filter((role) => typeof role === 'string') : [],
    bands: bandsOf(asset),
    general: meaningOf([asset]),
  };
}

const objectsIn = (asset: JsonObject, name: string): readonly JsonObject[] => {
  const value = asset[name];
  return Array.isArray(value) ? value.map((each) => (isObject(each) ? each : {})) : [];
};

function commonNameOf(asset: JsonObject): string | undefined {
  const bands = objectsIn(asset, 'bands');
  const all = bands.length ? bands : objectsIn(asset, 'eo:bands');
  const [only = {}] = all;
  const name =
    only['eo:common_name'] ?? only['common_name'] ?? (all.length === 0 ? asset['eo:common_name'] : undefined);
  return all.length <= 1 && typeof name === 'string' ? name : undefined;
}

/**
 * Scale, offset, nodata and names of bands: `bands` of STAC 1.1 with what the asset says of all of them, or
 * `raster:bands` and `eo:bands` of STAC 1.0.
 */
function bandsOf(asset: JsonObject): BandMeaning[] {
  const [bands, raster, eo] = ['bands', 'raster:bands', 'eo:bands'].map((name) => objectsIn(asset, name)) as [
    readonly JsonObject[],
    readonly JsonObject[],
    readonly JsonObject[],
  ];
  const general = meaningOf([asset]);
  const count = Math.max(bands.length, raster.length, eo.length);
  return Array.from({ length: count }, (_, i) => ({
    ...general,
    ...meaningOf([bands[i] ?? {}, raster[i] ?? {}, eo[i] ?? {}]),
    ...nameOf([bands[i] ?? {}, eo[i] ?? {}, raster[i] ?? {}]),
  }));
}

/** What the first of several objects says. */
function meaningOf(objects: readonly JsonObject[]): Omit<BandMeaning, 'name'> {
  const first = <T>(names: readonly string[], take: (value: unknown) => T | undefined): T | undefined => {
    for (const object of objects)
      for (const name of names) {
        const found = take(object[name]);
        if (found !== undefined) return found;
      }
    return undefined;
  };
  const number = (value: unknown): number | undefined =>
    typeof value === 'number' && Number.isFinite(value) ? value : undefined;
  const scale = first(['raster:scale', 'scale'], number);
  const offset = first(['raster:offset', 'offset'], number);
  const nodata = first(['nodata'], (value) =>
    value === 'nan' || value === 'inf' || value === '-inf' ? (value as 'nan' | 'inf' | '-inf') : number(value),
  );
  return {
    ...(scale !== undefined && scale !== 0 && { scale }),
    ...(offset !== undefined && { offset }),
    ...(nodata !== undefined && { nodata }),
  };
}

function nameOf(objects: readonly JsonObject[]): Pick<BandMeaning, 'name'> {
  const name = objects.map((each) => each['name']).find((each) => typeof each === 'string' && each !== '');
  return name === undefined ? {} : { name: name as string };
}

function boxOf(value: unknown): readonly number[] | undefined {
  if (!Array.isArray(value) || !value.every((each) => typeof each === 'number')) return undefined;
  // Six numbers have heights between them.
  return value.length === 6 ? [value[0]!, value[1]!, value[3]!, value[4]!] : value.length === 4 ? value : undefined;
}

const isoTime = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9})\d*)?(Z|z|[+-]\d\d:\d\d)$/;

/** An instant as RFC 3339 writes it; `undefined` for anything else. */
export function instantOfText(value: unknown): Instant | undefined {
  const match = typeof value === 'string' ? isoTime.exec(value) : null;
  if (!match) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const nanosecond = Number((match[7] ?? '').padEnd(9, '0'));
  const zone = match[8]!.toUpperCase() === 'Z' ? 'UTC' : match[8]!;
  return instantOf({ year, month, day, hour, minute, second, nanosecond }, zone);
}

/** An item as messages name it, below the document that it stands in. */
export const itemName = ({ base, id }: Pick<StacItem, 'base' | 'id'>): string => `${base}: item ${id}`;

/** The error for an item that cannot be read. */
export const itemError = (item: StacItem, code: 'E_ASSET' | 'E_NO_TIME', finding: string, remedy: string): InputError =>
  new InputError(itemName(item), finding, { code, remedy });
