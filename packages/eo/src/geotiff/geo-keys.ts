// What a GeoTIFF says of its coordinates: the system (OGC 19-008, annex of keys) and the map from pixels.

import type { Affine } from '../affine.ts';
import type { TiffDirectory } from './tiff-directory.ts';
import { wktOfKeys, type GeoKeys } from './geo-keys-wkt.ts';

export type { GeoKeys };

/** Numbers of the keys that are looked at. */
export const geoKey = {
  modelType: 1024,
  rasterType: 1025,
  citation: 1026,
  geographicType: 2048,
  geogCitation: 2049,
  geogDatum: 2050,
  geogAngularUnits: 2054,
  geogEllipsoid: 2056,
  geogSemiMajor: 2057,
  geogSemiMinor: 2058,
  geogInverseFlattening: 2059,
  projectedType: 3072,
  projectedCitation: 3073,
  projection: 3074,
  projCoordTrans: 3075,
  projLinearUnits: 3076,
  projLinearUnitSize: 3077,
} as const;

/** "Defined by the other keys". */
export const userDefined = 32_767;

/** Reads the keys of a directory; empty where it has none. */
export async function readGeoKeys(directory: TiffDirectory): Promise<GeoKeys> {
  const keys = new Map<number, number | string | readonly number[]>();
  const table = await directory.numbers('geoKeyDirectory');
  if (table.length < 4) return keys;
  const doubles = await directory.numbers('geoDoubleParams');
  const text = (await directory.text('geoAsciiParams')) ?? '';
  for (let at = 4; at + 3 < table.length && at < 4 + table[3]! * 4; at += 4) {
    const [key, place, count, value] = table.slice(at, at + 4) as [number, number, number, number];
    if (place === 0) keys.set(key, value);
    else if (place === 34736) keys.set(key, count === 1 ? doubles[value]! : doubles.slice(value, value + count));
    else if (place === 34737) keys.set(key, text.slice(value, value + count).replace(/\|$/, ''));
    else if (place === 34735) keys.set(key, table.slice(value, value + count));
  }
  return keys;
}

const peString = 'ESRI PE String = ';

/**
 * The coordinate reference system: "EPSG:32633", or WKT where the keys describe it themselves; `undefined` where they
 * name none.
 */
export function crsOf(keys: GeoKeys): string | undefined {
  const model = keys.get(geoKey.modelType);
  const projected = keys.get(geoKey.projectedType);
  const geographic = keys.get(geoKey.geographicType);
  const code = (value: typeof model): value is number => typeof value === 'number' && value > 0 && value < userDefined;
  if (model !== 2 && code(projected)) return `EPSG:${projected}`;
  for (const key of [geoKey.projectedCitation, geoKey.geogCitation, geoKey.citation]) {
    const citation = keys.get(key);
    if (typeof citation === 'string' && citation.startsWith(peString)) return citation.slice(peString.length);
  }
  if (model === 1 || (model === undefined && projected !== undefined)) return wktOfKeys(keys);
  return code(geographic) ? `EPSG:${geographic}` : wktOfKeys(keys);
}

/** Whether coordinates of the file's own tags belong to the centres of pixels. */
export const isPoint = (keys: GeoKeys): boolean => keys.get(geoKey.rasterType) === 2;

/**
 * The map from corners of pixels to coordinates: a matrix, or a tie point and a scale; `undefined` where the file has
 * neither. A file whose coordinates are those of centres is moved by half a pixel, as GDAL does.
 */
export async function transformOf(directory: TiffDirectory, keys: GeoKeys): Promise<Affine | undefined> {
  const found = await storedTransform(directory);
  if (!found || !isPoint(keys)) return found;
  const [a, b, c, d, e, f] = found;
  return [a, b, c - (a * 0.5 + b * 0.5), d, e, f - (d * 0.5 + e * 0.5)];
}

async function storedTransform(directory: TiffDirectory): Promise<Affine | undefined> {
  const matrix = await directory.numbers('modelTransformation');
  if (matrix.length >= 16) {
    const [a, b, , c, d, e, , f] = matrix as unknown as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    if (a * e - b * d !== 0) return [a, b, c, d, e, f];
  }
  const scale = await directory.numbers('modelPixelScale');
  const tie = await directory.numbers('modelTiepoint');
  const [scaleX = 0, scaleY = 0] = scale;
  if (tie.length < 6 || scaleX === 0 || scaleY === 0) return undefined;
  const [column, row, , x, y] = tie as unknown as [number, number, number, number, number];
  // Scales are lengths: a negative one is no picture upside down, it is a mistake of the writer.
  const down = -Math.abs(scaleY);
  return [scaleX, 0, x - column * scaleX, 0, down, y - row * down];
}
