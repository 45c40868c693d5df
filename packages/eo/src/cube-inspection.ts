// What `inspect` says of a whole store or file: its arrays, its place, its dimensions.

import { stat } from 'node:fs/promises';
import { InputError, type Json } from '@deepearth/core';
import { boundsOf, toGdal, type Affine } from './affine.ts';
import { axisNames, fieldsOf, pictureAxes } from './cf/axes.ts';
import { some } from './cf/list-some.ts';
import { centresOf, crsOf, regularAxis } from './cf/place.ts';
import { outlineOf } from './crs/outline.ts';
import type { Cube } from './cube.ts';
import { describeArray, type DescribeArrayOptions } from './describe-array.ts';

/** How much is looked at. */
export interface CubeInspectionOptions extends DescribeArrayOptions {
  /** Describes this array alone. */
  readonly variable?: string | undefined;
}

/** The description of a cube, as JSON. */
export interface CubeInspection {
  readonly kind: 'zarr' | 'netcdf';
  readonly [field: string]: Json;
}

/**
 * Describes an open cube with the fields `kind`, `bytes`, `attributes`, `arrays` (Zarr) or `variables` (NetCDF), by
 * name as `describeArray` does, and `grid` (`crs`, `geotransform` in GDAL's order, `bounds`, `bounds_epsg4326`) where
 * its rows and columns are evenly spaced. Of one `variable` its fields, and those of the grid, stand beside `kind` too.
 * An array that cannot be read stands under `refused` with the reason; the others are described all the same. Throws an
 * `InputError` where `variable` is not there.
 */
export async function inspectCube(
  cube: Cube,
  { variable, digest = false, signal }: CubeInspectionOptions = {},
): Promise<CubeInspection> {
  const wanted = variable === undefined ? [...cube.arrays.keys()] : [variable];
  const refused: [string, Json][] = [];
  for (const [name, error] of cube.damaged) {
    if (variable === name) throw error;
    if (variable === undefined) refused.push([name, error.message]);
  }
  const described: [string, Json][] = [];
  for (const name of wanted) {
    const array = cube.arrays.get(name);
    if (!array)
      throw new InputError(
        cube.name,
        `has no variable ${JSON.stringify(name)}; it has ${some([...cube.arrays.keys()])}.`,
        { code: 'E_VARIABLE', remedy: 'Name one of them.' },
      );
    try {
      described.push([name, await describeArray(array, `${cube.name}: ${name}`, { digest, signal })]);
    } catch (error) {
      if (!(error instanceof InputError) || variable !== undefined) throw error;
      refused.push([name, error.message]);
      // What its metadata say is not lost with its values.
      if (digest)
        described.push([name, await describeArray(array, `${cube.name}: ${name}`, { signal }).catch(() => null)]);
    }
  }
  const grid = await gridOf(cube, variable, signal);
  return {
    kind: cube.kind,
    ...(await sizeOnDisk(cube)),
    ...cube.about,
    attributes: cube.attributes,
    [cube.kind === 'zarr' ? 'arrays' : 'variables']: Object.fromEntries(described),
    ...(grid && { grid }),
    ...(variable !== undefined && { ...own(described), ...(grid as { readonly [field: string]: Json } | undefined) }),
    ...(refused.length && { refused: Object.fromEntries(refused) }),
  };
}

/** The fields of the one array that is described, but for its attributes. */
function own([first]: readonly [string, Json][]): { readonly [field: string]: Json } {
  const { attributes: _, ...fields } = first![1] as { readonly [field: string]: Json };
  return { variable: first![0], ...fields };
}

async function sizeOnDisk(cube: Cube): Promise<{ readonly [field: string]: Json }> {
  const found = await cube.sizes?.();
  if (found) return { bytes: [...found.values()].reduce((sum, size) => sum + size, 0), files: found.size };
  const file = await stat(cube.name).catch(() => undefined);
  return file ? { bytes: file.size, ...(cube.kind === 'zarr' && { files: 1 }) } : {};
}

/** The grid of the first variable that has one, in the order of rows of the file. */
async function gridOf(
  cube: Cube,
  variable: string | undefined,
  signal: AbortSignal | undefined,
): Promise<Json | undefined> {
  for (const name of variable === undefined ? fieldsOf(cube) : [variable]) {
    const array = cube.arrays.get(name)!;
    const axes = pictureAxes(cube, array);
    if (!axes) continue;
    const [yName, xName] = [axes.y, axes.x].map((axis) => axisNames(array)[axis]!) as [string, string];
    const [ys, xs] = [await centresOf(cube, array, yName, signal), await centresOf(cube, array, xName, signal)];
    const [y, x] = [ys && regularAxis(ys), xs && regularAxis(xs)];
    if (!y || !x) continue;
    const transform: Affine = [x.step, 0, x.edge, 0, y.step, y.edge];
    const crs = crsOf(cube, array, yName, xName);
    const epsg = /^EPSG:(\d+)$/.exec(crs ?? '')?.[1];
    const outline = crs === undefined ? undefined : outlineOf(crs, transform, xs!.length, ys!.length);
    return {
      crs:
        crs === undefined
          ? null
          : { epsg: epsg === undefined ? null : Number(epsg), ...(epsg === undefined && { wkt: crs }) },
      geotransform: toGdal(transform),
      bounds: boundsOf(transform, xs!.length, ys!.length),
      ...(outline && { bounds_epsg4326: outline.bounds }),
    };
  }
  return undefined;
}

/** A description for people: one line for each array. */
export function cubeText({ kind, arrays, variables, attributes, grid, refused, ...rest }: CubeInspection): string {
  const lines = [
    `${kind === 'zarr' ? `Zarr, format ${String(rest['zarr_format'])}${rest['consolidated'] ? ', consolidated' : ''}` : `NetCDF (${String(rest['data_model'])})`}${typeof rest['bytes'] === 'number' ? `, ${rest['bytes']} bytes` : ''}`,
  ];
  for (const [name, value] of Object.entries(attributes as Described)) lines.push(`  ${name}: ${short(value)}`);
  for (const [name, value] of Object.entries(((arrays ?? variables) as Described) ?? {})) {
    if (value === null) continue;
    const { shape, axes, dtype, attributes: own, times, sha256, min, max, mean, valid_count } = value as Described;
    const sizes = (shape as readonly number[]).map(
      (size, at) => `${(axes as readonly string[] | null)?.[at] ?? '?'} ${size}`,
    );
    lines.push(`${name}  ${String(dtype)} [${sizes.join(', ')}]${unitOf(own)}`);
    if (Array.isArray(times) && times.length)
      lines.push(
        `    ${String(times[0])}${times.length > 1 ? ` to ${String(times.at(-1))} (${times.length} times)` : ''}`,
      );
    if (sha256 !== undefined) {
      if (typeof min === 'number')
        lines.push(`    ${String(valid_count)} valid values from ${min} to ${String(max)}, mean ${String(mean)}`);
      lines.push(`    sha256 ${String(sha256)}`);
    }
  }
  if (grid) {
    const { crs, bounds } = grid as Described;
    const epsg = (crs as Described | null)?.['epsg'];
    lines.push(
      `bounds ${(bounds as readonly number[]).join(', ')} (${epsg ? `EPSG:${String(epsg)}` : 'no known coordinate reference system'})`,
    );
  }
  for (const [name, reason] of Object.entries((refused as Described) ?? {}))
    lines.push(`${name} cannot be read: ${String(reason)}`);
  return lines.join('\n');
}

interface Described {
  readonly [field: string]: Json;
}

const short = (value: Json): string => {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > 100 ? `${text.slice(0, 99)}…` : text;
};

const unitOf = (attributes: Json | undefined): string => {
  const { units, long_name } = (attributes ?? {}) as Described;
  return [long_name, units]
    .filter((part) => typeof part === 'string')
    .map((part) => `  ${short(part!)}`)
    .join('');
};
