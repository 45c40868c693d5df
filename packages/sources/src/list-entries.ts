// Makes entries of the rows of a list: a picture with its sequence, its time and its place, or what is wrong with the
// row.

import { basename, dirname, extname, isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { InputError, type Json, type Position } from '@deepearth/core';
import { shortened } from '@deepearth/core/printable';
import { isRemote, remotePath } from '@deepearth/runtime/remote-file';
import type { Instant } from './instant.ts';
import { listColumns, type ListColumns } from './list-columns.ts';
import type { ListOptions } from './list-options.ts';
import { listRows, type Fields, type RowsOptions } from './list-rows.ts';
import { timeReader, type FieldTime, type TimeReader } from './list-time.ts';

/** What a row says. */
export interface ListEntry {
  readonly line: number;
  readonly sequence: string;
  /** Where the picture is: from the working directory, or its address. */
  readonly path: string;
  readonly instant?: Instant;
  readonly number?: number;
  readonly position?: Position;
  readonly metadata?: { readonly [column: string]: Json };
}

/** A row that is no picture of a frame. */
export interface BadRow {
  readonly line: number;
  /** What is wrong, said after the list and the line. */
  readonly problem: string;
}

/** A row of something else than a picture, which its list says itself: a video, a sound. */
export interface OtherMedia {
  readonly line: number;
  readonly mediaType: string;
}

/** What a row can be. */
export type ListLine = ListEntry | BadRow | OtherMedia;

/** The rows of a list, understood one after another. */
export interface ListReading {
  readonly columns: ListColumns;
  readonly order: 'time' | 'number' | 'list';
  /** What the sequence is called that the list does not name. */
  readonly sequence: string;
  lines(options: RowsOptions): AsyncGenerator<ListLine & { readonly local?: boolean }>;
}

/**
 * Opens a list: looks at its first row for the columns. Throws an `InputError` as `listRows` and `listColumns` do, and
 * where `order` names a column that is not there.
 */
export async function readList(options: ListOptions, signal: AbortSignal): Promise<ListReading> {
  const { path: list } = options;
  let names: readonly string[] = [];
  for await (const { fields, problem } of listRows(list, { signal })) {
    if (Object.keys(fields).length === 0 && problem !== undefined) continue;
    names = Object.keys(fields);
    break;
  }
  const columns = listColumns(list, names, options.columns);
  const order =
    options.order ?? (columns.time !== undefined ? 'time' : columns.number !== undefined ? 'number' : 'list');
  if (order !== 'list' && columns[order] === undefined)
    throw new InputError(list, `has no column of ${order}s to be ordered by; the columns are ${names.join(', ')}.`, {
      code: 'E_LIST_COLUMN',
      remedy: 'Name it with `columns`, or leave `order` out.',
    });
  const sequence = options.sequence ?? (basename(list, extname(list)) || 'list');
  const understand = understanding(columns, order, sequence, options);
  return {
    columns,
    order,
    sequence,
    async *lines(reading) {
      for await (const { line, fields, problem } of listRows(list, reading))
        yield problem === undefined ? { line, ...understand(fields) } : { line, problem };
    },
  };
}

type Understood =
  Omit<ListEntry & { local?: boolean }, 'line'> | Pick<BadRow, 'problem'> | Pick<OtherMedia, 'mediaType'>;

function understanding(
  columns: ListColumns,
  order: ListReading['order'],
  own: string,
  { path: list, directory = dirname(list), sequence: named, time, timeZone }: ListOptions,
): (fields: Fields) => Understood {
  const read = timeReader(time, timeZone);
  const roles = new Set(Object.values(columns));
  return (fields) => {
    const mediaType = textOf(fields, columns.mediaType);
    if (mediaType && !/^image\b/i.test(mediaType)) return { mediaType };
    const picture = textOf(fields, columns.path);
    if (picture === '') return { problem: `has no path of a picture (${columns.path})` };
    const path = pathOf(picture, directory);
    if (path === undefined)
      return { problem: `${shortened(picture, 200)} is an address that is not read (https://, s3:// and files are)` };
    const taken = timeOf(fields, columns, read);
    if (typeof taken === 'string') return { problem: taken };
    if (order === 'time' && taken === undefined)
      return { problem: `has no time (${columns.time ?? 'there is no column of times'})` };
    const digits = textOf(fields, columns.number);
    const number = digits === '' ? undefined : Number(digits);
    if (number !== undefined && (!Number.isSafeInteger(number) || number < 0))
      return { problem: `${columns.number} is no whole number: ${shortened(digits, 60)}` };
    if (number === undefined && columns.number !== undefined) return { problem: `has no number (${columns.number})` };
    const position = positionOf(fields, columns);
    if (typeof position === 'string') return { problem: position };
    const group = textOf(fields, columns.sequence);
    const sequence = group === '' ? own : named === undefined ? group : `${named}/${group}`;
    const metadata = Object.fromEntries(
      Object.entries(fields).filter(([name, value]) => !roles.has(name) && value !== '' && value !== null),
    );
    return {
      sequence,
      path,
      ...(taken && { instant: taken.instant, local: taken.local }),
      ...(number !== undefined && { number }),
      ...(position && { position }),
      ...(Object.keys(metadata).length > 0 && { metadata }),
    };
  };
}

/** The text of a field; empty where there is no such column or nothing in it. */
function textOf(fields: Fields, column: string | undefined): string {
  const value = column === undefined ? undefined : fields[column];
  return typeof value === 'string' ? value.trim() : typeof value === 'number' ? String(value) : '';
}

/** A path from the working directory, or an address; `undefined` for an address that is not read. */
function pathOf(picture: string, directory: string): string | undefined {
  if (/^file:\/\//i.test(picture)) {
    try {
      return fileURLToPath(picture);
    } catch {
      return undefined;
    }
  }
  if (isRemote(picture)) return picture;
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(picture)) return undefined;
  if (isRemote(directory)) return remotePath(directory, picture);
  // Lists that were written on Windows; where both slashes are there, a backslash is part of a name.
  const here = picture.includes('/') || process.platform === 'win32' ? picture : picture.replaceAll('\\', '/');
  return isAbsolute(here) ? here : join(directory, here);
}

/** What is said of a field that holds no moment. */
export const notUnderstood = 'is no time that is understood';

function timeOf(fields: Fields, columns: ListColumns, read: TimeReader): FieldTime | undefined | string {
  let text = textOf(fields, columns.time);
  if (text === '') return undefined;
  if (columns.date !== undefined && /^\d?\d:\d\d/.test(text))
    text = `${textOf(fields, columns.date)} ${text.padStart(text.indexOf(':') === 1 ? text.length + 1 : 0, '0')}`;
  return read(text) ?? `${columns.time} ${notUnderstood}: ${shortened(text, 60)}`;
}

function positionOf(fields: Fields, { latitude, longitude }: ListColumns): Position | undefined | string {
  if (latitude === undefined || longitude === undefined) return undefined;
  const [north, east] = [textOf(fields, latitude), textOf(fields, longitude)];
  if (north === '' && east === '') return undefined;
  const position = { longitude: degrees(east), latitude: degrees(north) };
  return Math.abs(position.latitude) <= 90 && Math.abs(position.longitude) <= 180
    ? position
    : `${latitude} and ${longitude} are no place in degrees: ${shortened(north, 30) || 'nothing'}, ${shortened(east, 30) || 'nothing'}`;
}

/** Decimal degrees, with a point or a comma; NaN for anything else. */
const degrees = (text: string): number =>
  /^[+-]?\d{1,3}(?:[.,]\d+)?$/.test(text) ? Number(text.replace(',', '.')) : NaN;
