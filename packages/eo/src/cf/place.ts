// Where a variable lies on the Earth: its coordinates and its grid mapping (CF conventions, 5).

import type { Georeference } from '@deepearth/core';
import type { Attributes, Cube, CubeArray } from '../cube.ts';
import { coordinateOf } from './axes.ts';
import { numbers } from './values.ts';

/** A regular axis: the coordinate of its first edge, and the step from one to the next. */
export interface RegularAxis {
  readonly edge: number;
  readonly step: number;
}

/** How far a coordinate may be from where even steps put it, in steps: float32 degrees are off by a thousandth. */
const tolerance = 0.01;

/** Evenly spaced centres of pixels as an axis; `undefined` for fewer than two, or uneven ones. */
export function regularAxis(centres: ArrayLike<number>): RegularAxis | undefined {
  const count = centres.length;
  if (count < 2) return undefined;
  const first = centres[0]!;
  const step = (centres[count - 1]! - first) / (count - 1);
  if (!Number.isFinite(step) || step === 0) return undefined;
  for (let i = 0; i < count; i++)
    if (!(Math.abs(centres[i]! - first - i * step) <= tolerance * Math.abs(step))) return undefined;
  return { edge: first - step / 2, step };
}

/** Values of the coordinate variable of an axis; `undefined` where it has none. */
export async function centresOf(
  cube: Cube,
  variable: CubeArray,
  axis: string,
  signal?: AbortSignal,
): Promise<ArrayLike<number> | undefined> {
  const coordinate = coordinateOf(cube, variable, axis);
  if (!coordinate || coordinate.dtype === 'string' || coordinate.dtype === 'char') return undefined;
  return numbers(await coordinate.read(undefined, signal));
}

/** The code of the authority that a WKT ends with: "EPSG:32613"; the WKT itself where it ends with none. */
export function crsOfWkt(wkt: string): string {
  const match = /(?:AUTHORITY\["EPSG","(\d+)"\]|ID\["EPSG",(\d+)\])\]\s*$/i.exec(wkt);
  const code = match?.[1] ?? match?.[2];
  return code ? `EPSG:${code}` : wkt;
}

/** The code or WKT in attributes of a grid mapping, or of a group (convention geo-proj of Zarr). */
function crsIn(attributes: Attributes): string | undefined {
  const text = (name: string): string | undefined => {
    const value = attributes[name];
    return typeof value === 'string' && value ? value : undefined;
  };
  const wkt = text('crs_wkt') ?? text('spatial_ref') ?? text('proj:wkt2');
  if (wkt) return crsOfWkt(wkt);
  const code = text('proj:code') ?? text('epsg_code');
  if (code) return code.toUpperCase();
  const number = attributes['proj:epsg'] ?? attributes['epsg'];
  if (typeof number === 'number') return `EPSG:${number}`;
  return text('grid_mapping_name') === 'latitude_longitude' ? 'EPSG:4326' : undefined;
}

/** The variables that may say where another lies: the one that it names first, then those of the usual names. */
function* mappingsOf(cube: Cube, variable: CubeArray): Generator<CubeArray> {
  // "crs" or "crs: x y".
  const named = String(variable.attributes['grid_mapping'] ?? '').split(/[:\s]/)[0]!;
  const group = variable.name.split('/').slice(0, -1).join('/');
  for (const name of [named, 'spatial_ref', 'crs'])
    for (const path of group ? [`${group}/${name}`, name] : [name]) {
      const found = name ? cube.arrays.get(path) : undefined;
      if (found) yield found;
    }
}

/** The coordinate reference system of a variable; `undefined` where nothing says it. */
export function crsOf(cube: Cube, variable: CubeArray, yAxis: string, xAxis: string): string | undefined {
  for (const { attributes } of mappingsOf(cube, variable)) {
    const found = crsIn(attributes);
    if (found) return found;
    // A mapping without a code, such as a rotated pole: degrees of its axes are no longitudes.
    if (attributes['grid_mapping_name'] !== undefined) return undefined;
  }
  const found = crsIn(variable.attributes) ?? crsIn(cube.attributes);
  if (found) return found;
  const [y, x] = [yAxis, xAxis].map((axis) => coordinateOf(cube, variable, axis)?.attributes ?? {}) as [
    Attributes,
    Attributes,
  ];
  const degrees =
    (y['standard_name'] === 'latitude' || /^degrees?_?(?:north|n)$/i.test(String(y['units'] ?? ''))) &&
    (x['standard_name'] === 'longitude' || /^degrees?_?(?:east|e)$/i.test(String(x['units'] ?? '')));
  const named = /^(?:lat|latitude)$/i.test(yAxis) && /^(?:lon|longitude)$/i.test(xAxis);
  return degrees || named ? 'EPSG:4326' : undefined;
}

/** `GeoTransform` as GDAL writes it on a grid mapping: x0 dx 0 y0 0 dy. */
export function geoTransformOf(cube: Cube, variable: CubeArray): Georeference['transform'] | undefined {
  for (const { attributes } of mappingsOf(cube, variable)) {
    const text = attributes['GeoTransform'];
    const parts = typeof text === 'string' ? text.trim().split(/\s+/).map(Number) : [];
    if (parts.length === 6 && parts.every(Number.isFinite)) {
      const [c, a, b, f, d, e] = parts as [number, number, number, number, number, number];
      return [a, b, c, d, e, f];
    }
  }
  return undefined;
}
