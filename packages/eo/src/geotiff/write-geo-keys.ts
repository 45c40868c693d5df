// Writes what a GeoTIFF says of its coordinates: the keys of the system, and the map from pixels.

import type { Affine } from '../affine.ts';
import { codeOf } from '../crs/epsg-code.ts';
import { isGeographic } from '../crs/epsg-geographic.ts';
import { geoKey, userDefined } from './geo-keys.ts';

/** Values of a TIFF tag. */
export interface TagValues {
  readonly tag: number;
  readonly type: 'ascii' | 'short' | 'double';
  readonly values: readonly number[] | string;
}

/**
 * The tags that say where a raster lies. `crs` is "EPSG:32633" or WKT: of the latter the code is taken where it ends
 * with one, else the text is kept in the notation of Esri, which GDAL reads too.
 */
export function geoTags(crs: string, transform: Affine): TagValues[] {
  const [a, b, c, d, e, f] = transform;
  const place: TagValues[] =
    b === 0 && d === 0 && a > 0 && e < 0
      ? [
          { tag: 33550, type: 'double', values: [a, -e, 0] },
          { tag: 33922, type: 'double', values: [0, 0, 0, c, f, 0] },
        ]
      : [{ tag: 34264, type: 'double', values: [a, b, 0, c, d, e, 0, f, 0, 0, 0, 0, 0, 0, 0, 1] }];
  return [...place, ...keyTags(crs)];
}

function keyTags(crs: string): TagValues[] {
  const code = codeOf(crs);
  const shorts: [key: number, value: number][] = [];
  let text = '';
  if (code !== undefined) {
    const degrees = isGeographic(code);
    shorts.push([geoKey.modelType, degrees ? 2 : 1], [geoKey.rasterType, 1]);
    shorts.push([degrees ? geoKey.geographicType : geoKey.projectedType, code]);
  } else {
    // GDAL reads such a text only where the model is none of the usual ones. Keys hold ASCII, and a bar ends a text.
    text = `ESRI PE String = ${crs.replaceAll(/[^\x20-\x7e]/g, '?').replaceAll('|', '/')}|`;
    shorts.push([geoKey.modelType, userDefined], [geoKey.rasterType, 1]);
  }
  const entries = shorts.map(([key, value]) => [key, 0, 1, value]);
  if (text) entries.push([geoKey.projectedCitation, 34737, text.length, 0]);
  entries.sort((one, other) => one[0]! - other[0]!);
  return [
    { tag: 34735, type: 'short', values: [1, 1, 0, entries.length, ...entries.flat()] },
    ...(text ? [{ tag: 34737, type: 'ascii' as const, values: `${text}\0` }] : []),
  ];
}
