// Finds out which columns of a list hold what.

import { closest, InputError } from '@deepearth/core';
import type { ListOptions } from './list-options.ts';

/** What a column can hold. */
export type Role = keyof ListOptions['columns'];

/** The names of the columns that hold what frames are made of. */
export type ListColumns = { readonly [role in Role]?: string } & { readonly path: string; readonly date?: string };

/** Names that are looked for where none is given, in this order; without case, blanks, `_` and `-`. */
const usual: Readonly<Record<Role, readonly string[]>> = {
  path: ['path', 'file', 'filepath', 'image', 'imagepath', 'filename', 'uri'],
  time: ['timestamp', 'datetime', 'time', 'date', 'eventstart'],
  sequence: ['sequence', 'camera', 'site', 'deployment', 'deploymentid', 'cameraid', 'siteid'],
  number: ['number', 'frame', 'framenumber'],
  latitude: ['latitude', 'lat', 'decimallatitude', 'location.latitude', 'location.lat'],
  longitude: [
    'longitude',
    'lon',
    'lng',
    'long',
    'decimallongitude',
    'location.longitude',
    'location.lon',
    'location.lng',
  ],
  mediaType: ['mediatype', 'filemediatype'],
};

const plain = (name: string): string => name.toLowerCase().replaceAll(/[\s_-]/g, '');

/**
 * The columns among these names. Throws an `InputError` where one that the options name is not there, none holds paths,
 * or one of latitude and longitude is missing.
 */
export function listColumns(list: string, names: readonly string[], columns: ListOptions['columns']): ListColumns {
  const known = new Map(names.map((name) => [plain(name), name]));
  const found: { [role in Role]?: string } = {};
  for (const role of Object.keys(usual) as Role[]) {
    const wanted = columns[role];
    const name = wanted === undefined ? usual[role].find((each) => known.has(each)) : plain(wanted);
    const column = name === undefined ? undefined : known.get(name);
    if (wanted !== undefined && column === undefined) throw noColumn(list, wanted, names);
    if (column !== undefined) found[role] = column;
  }
  const { path, latitude, longitude } = found;
  if (path === undefined)
    throw new InputError(list, `no column holds the paths of pictures; the columns are ${listed(names)}.`, {
      code: 'E_LIST_COLUMN',
      remedy: 'Name it with `columns: { path: … }`; the first line of a CSV file holds the names of the columns.',
    });
  if ((latitude === undefined) !== (longitude === undefined))
    throw new InputError(
      list,
      `has a column of ${latitude === undefined ? 'longitudes' : 'latitudes'} (${latitude ?? longitude}) and none of ${latitude === undefined ? 'latitudes' : 'longitudes'}; the columns are ${listed(names)}.`,
      { code: 'E_LIST_COLUMN', remedy: 'Name it with `columns: { latitude: …, longitude: … }`.' },
    );
  // A clock and a calendar in two columns, as many cameras' programs write them.
  const date = known.get('date');
  const parted = date !== undefined && date !== found.time && found.time !== undefined && plain(found.time) === 'time';
  return { ...found, path, ...(parted && { date }) };
}

function noColumn(list: string, wanted: string, names: readonly string[]): InputError {
  const meant = closest(wanted, names);
  return new InputError(list, `has no column ${JSON.stringify(wanted)}; the columns are ${listed(names)}.`, {
    code: 'E_LIST_COLUMN',
    remedy: meant ? `Did you mean ${meant}?` : 'Name one of them, or none where the list has no such column.',
  });
}

const listed = (names: readonly string[]): string =>
  `${names.slice(0, 30).join(', ')}${names.length > 30 ? ` and ${names.length - 30} more` : ''}`;
