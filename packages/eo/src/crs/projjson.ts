// Writes coordinate systems as PROJJSON (https://proj.org/specifications/projjson.html), as GeoParquet has them.

import type { Json } from '@deepearth/core';
import { codeOf } from './epsg-code.ts';
import { definitionOf, type GeographicSystem } from './definitions.ts';

type JsonObject = { readonly [name: string]: Json };

const schema = 'https://proj.org/schemas/v0.7/projjson.schema.json';

/**
 * PROJJSON of "EPSG:32633", or of WKT that ends with such a code; `undefined` for systems that are not known here. PROJ
 * does not look codes up: it takes a system with all of datum, conversion and axes, and refuses one that has the code
 * alone.
 */
export function projjsonOf(crs: string): JsonObject | undefined {
  const code = codeOf(crs);
  const system = code === undefined ? undefined : definitionOf(code);
  if (!system) return undefined;
  if (!('base' in system)) return { $schema: schema, type: 'GeographicCRS', ...geographic(system) };
  return {
    $schema: schema,
    type: 'ProjectedCRS',
    name: system.name,
    base_crs: geographic(system.base),
    conversion: {
      name: system.conversion,
      method: { name: system.method },
      parameters: system.parameters.map(([name, value]) => ({ name, value, unit: unitOf(name) })),
    },
    coordinate_system: {
      subtype: 'Cartesian',
      axis: system.axes.map(({ meridian, ...axis }) => ({
        ...axis,
        ...(meridian !== undefined && { meridian: { longitude: meridian } }),
        unit: 'metre',
      })),
    },
    id: epsg(system.code),
  };
}

const epsg = (code: number): JsonObject => ({ authority: 'EPSG', code });

const geographic = ({ code, name, datum, ellipsoid }: GeographicSystem): JsonObject => ({
  name,
  datum: {
    type: 'GeodeticReferenceFrame',
    name: datum,
    ellipsoid: {
      name: ellipsoid.name,
      semi_major_axis: ellipsoid.semiMajor,
      inverse_flattening: ellipsoid.inverseFlattening,
    },
  },
  coordinate_system: {
    subtype: 'ellipsoidal',
    axis: [
      { name: 'Geodetic latitude', abbreviation: 'Lat', direction: 'north', unit: 'degree' },
      { name: 'Geodetic longitude', abbreviation: 'Lon', direction: 'east', unit: 'degree' },
    ],
  },
  id: epsg(code),
});

/** The unit of a parameter, by its name. */
export const unitOf = (parameter: string): 'degree' | 'metre' | 'unity' =>
  /^(?:Latitude|Longitude) /.test(parameter) ? 'degree' : /^Scale /.test(parameter) ? 'unity' : 'metre';
