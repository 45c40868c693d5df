// What a GeoParquet file says of its geometries, and of its embeddings.

import { geometryOf, type Embedding, type Json, type TokenGrid } from '@deepearth/core';
import { projjsonOf } from '../crs/projjson.ts';
import { gridShape } from '../place/grid-item.ts';
import { longitudeLatitude } from './footprints.ts';

/** Bounds of geometries. */
export interface Bounds {
  xmin: number;
  ymin: number;
  xmax: number;
  ymax: number;
}

/** The bounds of nothing yet. */
export const noBounds = (): Bounds => ({ xmin: Infinity, ymin: Infinity, xmax: -Infinity, ymax: -Infinity });

/** Widens bounds by those of a geometry. */
export function widen(bounds: Bounds, { xmin, ymin, xmax, ymax }: Readonly<Bounds>): void {
  bounds.xmin = Math.min(bounds.xmin, xmin);
  bounds.ymin = Math.min(bounds.ymin, ymin);
  bounds.xmax = Math.max(bounds.xmax, xmax);
  bounds.ymax = Math.max(bounds.ymax, ymax);
}

/**
 * The text of the key `geo` (GeoParquet 1.1.0). The coordinate system is PROJJSON; left out for longitudes and
 * latitudes, which is what the format takes them for; `null`, not known, where there is none, or none that is described
 * here.
 */
export function geoMetadata(crs: string | undefined, types: readonly string[], bounds: Readonly<Bounds>): string {
  const { xmin, ymin, xmax, ymax } = bounds;
  const column: { [name: string]: Json } = {
    encoding: 'WKB',
    geometry_types: [...types].sort(),
    ...(crs !== longitudeLatitude && { crs: (crs !== undefined && projjsonOf(crs)) || null }),
    orientation: 'counterclockwise',
    ...(xmin <= xmax && { bbox: [xmin, ymin, xmax, ymax] }),
    covering: {
      bbox: Object.fromEntries(['xmin', 'ymin', 'xmax', 'ymax'].map((edge) => [edge, ['bbox', edge]])),
    },
  };
  return JSON.stringify({ version: '1.1.0', primary_column: 'geometry', columns: { geometry: column } });
}

/** The text of the key `emb`: the fields of STAC's extension for embeddings, of those in a column. */
export function embMetadata(item: TokenGrid | Embedding, column: string): string {
  const { height, width, bands } = gridShape(item, { places: 'optional' });
  const geometry = geometryOf(item);
  const pixels = (length: number): number => Math.max(1, Math.round(length));
  return JSON.stringify({
    'emb:type': 'chip',
    'emb:dimensions': bands,
    data_type: 'float32',
    'emb:model': item.encoder.name,
    'emb:fingerprint': item.encoder.fingerprint,
    'emb:column': column,
    ...(geometry && {
      'emb:chip_layout': {
        layout_type: 'regular_grid',
        chip_size: [pixels(geometry.height / height), pixels(geometry.width / width)],
      },
    }),
  });
}
