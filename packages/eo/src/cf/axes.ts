// Which axes of a variable are time, rows and columns (CF conventions, 4), and which variables are fields at all.

import { elementCount } from '@deepearth/core';
import type { Cube, CubeArray } from '../cube.ts';
import { isTime } from './time.ts';

/** What an axis is of a picture; others are levels, bands, ensemble members. */
export type AxisRole = 'time' | 'y' | 'x';

const standardNames: Readonly<Record<AxisRole, readonly string[]>> = {
  time: ['time'],
  y: ['latitude', 'projection_y_coordinate', 'grid_latitude'],
  x: ['longitude', 'projection_x_coordinate', 'grid_longitude'],
};
const letters: Readonly<Record<string, AxisRole>> = { T: 'time', Y: 'y', X: 'x' };
const usualNames: Readonly<Record<AxisRole, RegExp>> = {
  time: /^(?:time|t|valid_time|date|times|xtime)$/i,
  y: /^(?:y|lat|latitude|rlat|nav_lat|northing|south_north|yc|ygrid_0|ny)$/i,
  x: /^(?:x|lon|longitude|rlon|nav_lon|easting|west_east|xc|xgrid_0|nx)$/i,
};

/** The coordinate variable of an axis: of its name, in the variable's group or one above. */
export function coordinateOf(cube: Cube, variable: CubeArray, axis: string): CubeArray | undefined {
  const groups = variable.name.split('/').slice(0, -1);
  for (let depth = groups.length; depth >= 0; depth--) {
    const found = cube.arrays.get([...groups.slice(0, depth), axis].join('/'));
    if (found?.shape.length === 1) return found;
  }
  return undefined;
}

function roleOf(cube: Cube, variable: CubeArray, axis: string): AxisRole | undefined {
  const attributes = coordinateOf(cube, variable, axis)?.attributes ?? {};
  const letter = letters[String(attributes['axis'] ?? '')];
  if (letter) return letter;
  const standard = String(attributes['standard_name'] ?? '');
  for (const role of ['time', 'y', 'x'] as const) if (standardNames[role].includes(standard)) return role;
  if (isTime(attributes)) return 'time';
  const units = String(attributes['units'] ?? '');
  if (/^degrees?_?(?:north|n)$/i.test(units)) return 'y';
  if (/^degrees?_?(?:east|e)$/i.test(units)) return 'x';
  for (const role of ['time', 'y', 'x'] as const) if (usualNames[role].test(axis)) return role;
  return undefined;
}

/** The places of the axes of a picture among a variable's axes; `guessed` where names and attributes did not tell. */
export interface PictureAxes {
  readonly time: number | undefined;
  readonly y: number;
  readonly x: number;
  readonly guessed: boolean;
}

/** Names of a variable's axes; "axis 0" and so on where the file gives none. */
export const axisNames = ({ axes, shape }: CubeArray): readonly string[] => axes ?? shape.map((_, at) => `axis ${at}`);

/**
 * The axes of a variable: by `named`, by attributes of their coordinates, by their usual names, and the last two for
 * rows and columns where nothing tells. `undefined` for a variable that is no picture.
 */
export function pictureAxes(
  cube: Cube,
  variable: CubeArray,
  named: { readonly [role in AxisRole]?: string | undefined } = {},
): PictureAxes | undefined {
  const names = axisNames(variable);
  if (names.length < 2) return undefined;
  const roles = names.map((axis) => {
    for (const role of ['time', 'y', 'x'] as const) if (named[role] === axis) return role;
    const role = roleOf(cube, variable, axis);
    // What the user calls otherwise is not taken twice.
    return role && named[role] !== undefined ? undefined : role;
  });
  const at = (role: AxisRole): number | undefined => {
    const place = roles.lastIndexOf(role);
    return place < 0 ? undefined : place;
  };
  let [y, x] = [at('y'), at('x')];
  const guessed = y === undefined || x === undefined;
  const free = roles.flatMap((role, place) => (role === undefined ? [place] : []));
  x ??= free.filter((place) => place !== y).pop();
  y ??= free.filter((place) => place !== x).pop();
  return x === undefined || y === undefined || x === y ? undefined : { time: at('time'), y, x, guessed };
}

/**
 * Names of the variables that can be shown: numbers with rows and columns that are not coordinates or bounds of others.
 */
export function fieldsOf(cube: Cube): string[] {
  const others = new Set<string>();
  for (const { attributes } of cube.arrays.values())
    for (const key of ['bounds', 'grid_mapping', 'coordinates', 'climatology', 'cell_measures', 'ancillary_variables'])
      for (const word of String(attributes[key] ?? '').split(/\s+/)) others.add(word);
  return [...cube.arrays.values()]
    .filter(
      (array) =>
        array.dtype !== 'string' &&
        array.dtype !== 'char' &&
        array.dtype !== 'bool' &&
        !others.has(array.name.split('/').at(-1)!) &&
        elementCount(array.shape) > 0 &&
        pictureAxes(cube, array) !== undefined,
    )
    .map(({ name }) => name);
}
