// What a store says of its place: the conventions geo-proj and spatial, and what CF, GDAL and rioxarray read.

import type { Json } from '@deepearth/core';
import { boundsOf, toGdal } from '../affine.ts';
import { definitionOf } from '../crs/definitions.ts';
import { codeOf } from '../crs/epsg-code.ts';
import { isGeographic } from '../crs/epsg-geographic.ts';
import { wktOf } from '../crs/wkt.ts';
import type { Lattice } from '../place/token-mosaic.ts';

type Fields = { readonly [name: string]: Json };

const convention = (repository: string, uuid: string, name: string, description: string): Json => ({
  schema_url: `https://raw.githubusercontent.com/${repository}/refs/tags/v1/schema.json`,
  spec_url: `https://github.com/${repository}/blob/v1/README.md`,
  uuid,
  name,
  description,
});

const projConvention = convention(
  'zarr-experimental/geo-proj',
  'f17cb550-5864-4468-aeb7-f3180cfb622f',
  'proj:',
  'Coordinate reference system information for geospatial data',
);
const spatialConvention = convention(
  'zarr-conventions/spatial',
  '689b58e2-cf7b-45e0-9fff-9cfc0883d6b4',
  'spatial:',
  'Spatial coordinate information',
);

/** Conventions, and the attributes of a group whose arrays lie there. */
export interface GroupPlace {
  readonly conventions: readonly Json[];
  readonly attributes: Fields;
}

/** What a group says of the lattice of its arrays; nothing of the Earth where there is no coordinate system. */
export function groupPlace(lattice: Lattice, crs: string | undefined): GroupPlace {
  const system = crs === undefined ? undefined : systemOf(crs);
  return {
    conventions: [...(system ? [projConvention] : []), spatialConvention],
    attributes: { ...system, ...spatial(lattice) },
  };
}

/** The coordinate system as geo-proj has it: a code or WKT 2; older WKT has no place there. */
function systemOf(crs: string): Fields | undefined {
  const code = codeOf(crs);
  if (code !== undefined) return { 'proj:code': `EPSG:${code}` };
  return /^\s*(?:PROJ|GEOG|GEOD|BOUND|COMPOUND|ENG|DERIVEDPROJ)CRS\s*\[/i.test(crs) ? { 'proj:wkt2': crs } : undefined;
}

const spatial = ({ width, height, transform }: Lattice): Fields => ({
  'spatial:dimensions': ['y', 'x'],
  'spatial:transform': transform,
  'spatial:bbox': boundsOf(transform, width, height),
  'spatial:shape': [height, width],
  'spatial:registration': 'pixel',
});

/** Attributes of the variable `spatial_ref`, which the others name as their grid mapping. */
export function gridMapping(crs: string, { transform }: Lattice): Fields {
  const code = codeOf(crs);
  const wkt = wktOf(crs);
  return {
    // A code that is not described here is better than nothing: PROJ looks it up.
    ...(wkt === undefined ? { spatial_ref: crs } : { crs_wkt: wkt, spatial_ref: wkt }),
    ...(code !== undefined && { epsg_code: `EPSG:${code}` }),
    GeoTransform: toGdal(transform).join(' '),
  };
}

/** Attributes of the coordinates of columns and rows. */
export function axisAttributes(crs: string | undefined): { readonly x: Fields; readonly y: Fields } {
  if (crs === undefined)
    return {
      x: { axis: 'X', long_name: 'columns of tokens from the left edge' },
      y: { axis: 'Y', long_name: 'rows of tokens from the upper edge' },
    };
  const code = codeOf(crs);
  if (code === undefined ? /^\s*GEOG/i.test(crs) : isGeographic(code))
    return {
      x: { axis: 'X', standard_name: 'longitude', units: 'degrees_east' },
      y: { axis: 'Y', standard_name: 'latitude', units: 'degrees_north' },
    };
  const units: Fields = code !== undefined && definitionOf(code) ? { units: 'metre' } : {};
  return {
    x: { axis: 'X', standard_name: 'projection_x_coordinate', ...units },
    y: { axis: 'Y', standard_name: 'projection_y_coordinate', ...units },
  };
}
