// Describes a raster as a static STAC item (STAC 1.1).

import type { Json } from '@deepearth/core';
import { boundsOf, type Affine } from '../affine.ts';
import { outlineOf } from '../crs/outline.ts';
import { codeOf } from '../crs/epsg-code.ts';

/** A raster and its file. */
export interface DescribedRaster {
  readonly id: string;
  readonly title: string;
  /** The file, seen from where the item lies. */
  readonly href: string;
  readonly bytes: number;
  readonly sha256: string;
  /** "EPSG:32633", or WKT. */
  readonly crs: string;
  readonly transform: Affine;
  readonly width: number;
  readonly height: number;
  readonly type: 'uint8' | 'uint16' | 'float32';
  readonly nodata?: number | undefined;
  readonly bandNames: readonly string[];
  /** Whether it is a picture: red, green, blue and opacity. */
  readonly visual: boolean;
  /** Instants of the first and of the last frame that it shows, ISO 8601. */
  readonly first: string;
  readonly last: string;
}

const extensions = {
  projection: 'https://stac-extensions.github.io/projection/v2.0.0/schema.json',
  file: 'https://stac-extensions.github.io/file/v2.1.0/schema.json',
};

/**
 * A GeoJSON feature: the outline in degrees (`geometry` is null where its coordinate system is not known here), time or
 * period, `proj:code`, `proj:transform`, `proj:shape` and `proj:bbox`, and one asset with its bands, size and checksum.
 */
export function itemOfRaster(raster: DescribedRaster): { readonly [member: string]: Json } {
  const { id, title, href, crs, transform, width, height, nodata, bandNames, visual, first, last } = raster;
  const outline = outlineOf(crs, transform, width, height);
  const code = codeOf(crs);
  return {
    type: 'Feature',
    stac_version: '1.1.0',
    stac_extensions: [extensions.file, extensions.projection],
    id,
    geometry: (outline?.geometry ?? null) as Json,
    ...(outline && { bbox: outline.bounds }),
    properties: {
      title,
      ...(first === last ? { datetime: first } : { datetime: null, start_datetime: first, end_datetime: last }),
      'proj:code': code === undefined ? null : `EPSG:${code}`,
      ...(code === undefined && /^(?:PROJCRS|GEOGCRS|BOUNDCRS|COMPOUNDCRS)\[/.test(crs) && { 'proj:wkt2': crs }),
      'proj:transform': transform,
      'proj:shape': [height, width],
      'proj:bbox': boundsOf(transform, width, height),
    },
    links: [],
    assets: {
      [visual ? 'visual' : 'data']: {
        href,
        type: 'image/tiff; application=geotiff; profile=cloud-optimized',
        roles: [visual ? 'visual' : 'data'],
        data_type: raster.type,
        ...(nodata !== undefined && { nodata: Number.isNaN(nodata) ? 'nan' : nodata }),
        ...(bandNames.length && { bands: bandNames.map((name) => ({ name })) }),
        'file:size': raster.bytes,
        // A multihash: SHA-256, 32 bytes.
        'file:checksum': `1220${raster.sha256}`,
      },
    },
  };
}
