// Reads the rows of a list, CSV or JSON lines, one after another, with the lines they stand on.

import { InputError, type Json } from '@deepearth/core';
import { shortened } from '@deepearth/core/printable';
import { textOf, type ReadFile } from './list-text.ts';

/** The fields of a row by the names of their columns, those of JSON objects within it as `location.lat`. */
export type Fields = Readonly<Record<string, Json>>;

/** One row. */
export interface ListRow {
  /** Where it begins, from 1. */
  readonly line: number;
  readonly fields: Fields;
  /** What is wrong with it, said after the line. */
  readonly problem?: string;
}

/** How a list is read. */
export interface RowsOptions {
  readonly signal: AbortSignal;
  /** Told of the file when all of it was read. */
  whole?(file: ReadFile): void;
}

/** Characters of a row; more are a quotation mark that is never closed. */
const longestRow = 1 << 20;

/**
 * The rows of a file, in its order; what is JSON lines begins with `{`. Nothing but the row at hand is held. Throws an
 * `InputError` for a file without rows, an array of JSON, and text that is no CSV, with the line.
 */
export async function* listRows(path: string, options: RowsOptions): AsyncGenerator<ListRow> {
  const pieces = textOf(path, options);
  let head = '';
  try {
    // The first line says what it is.
    while (head.length < longestRow && !/\S.*\n/.test(head)) {
      const next = await pieces.next();
      if (next.done) break;
      head += next.value;
    }
    const first = head.trimStart();
    if (first === '') throw noRows(path);
    if (first.startsWith('['))
      throw new InputError(path, 'is an array of JSON, not one object a line.', {
        code: 'E_LIST',
        remedy: 'Write each object into a line of its own, without the brackets and commas around them.',
      });
    const text = joined(head, pieces);
    yield* first.startsWith('{') ? jsonRows(text) : csvRows(path, head, text);
  } finally {
    await pieces.return(undefined);
  }
}

const noRows = (path: string): InputError =>
  new InputError(path, 'has no rows.', {
    code: 'E_NO_FRAMES',
    remedy: 'A list names its columns in the first line, and a picture in each line after it.',
  });

async function* joined(head: string, rest: AsyncIterable<string>): AsyncGenerator<string> {
  yield head;
  yield* rest;
}

async function* jsonRows(text: AsyncIterable<string>): AsyncGenerator<ListRow> {
  let line = 0;
  for await (const each of linesOf(text)) {
    line++;
    if (each.trim() === '') continue;
    yield { line, ...parsed(each) };
  }
}

function parsed(text: string): Omit<ListRow, 'line'> {
  if (text.length > longestRow) return { fields: {}, problem: `has more than ${longestRow} characters` };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { fields: {}, problem: `is no JSON: ${shortened(text, 60)}` };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { fields: {}, problem: `is no JSON object: ${shortened(text, 60)}` };
  return { fields: Object.fromEntries(flat(value as Record<string, Json>)) };
}

/** Fields of objects under their dotted names; lists stay as they are. */
const flat = (object: Readonly<Record<string, Json>>, before = '', depth = 0): [string, Json][] =>
  Object.entries(object).flatMap(([name, value]): [string, Json][] =>
    typeof value === 'object' && value !== null && !Array.isArray(value) && depth < 4
      ? flat(value as Record<string, Json>, `${before}${name}.`, depth + 1)
      : [[before + name, value]],
  );

async function* linesOf(text: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = '';
  for await (const piece of text) {
    rest += piece;
    let from = 0;
    for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n', from)) {
      yield rest.slice(from, end);
      from = end + 1;
    }
    // What is too long is told, and need not be held.
    rest = rest.slice(from, from + longestRow + 1);
  }
  if (rest !== '') yield rest;
}

/** What parts fields; of two that are as frequent in the line of the names the first. */
const delimiters = [',', ';', '\t', '|'] as const;

/** The delimiter that the line of the names has most of, outside of quotation marks. */
function delimiterOf(head: string): string {
  const [names = ''] = head.trimStart().split('\n', 1);
  const bare = names.replaceAll(/"[^"]*"?/g, '');
  const counts = delimiters.map((delimiter) => bare.split(delimiter).length);
  return delimiters[counts.indexOf(Math.max(...counts))]!;
}

async function* csvRows(path: string, head: string, text: AsyncIterable<string>): AsyncGenerator<ListRow> {
  const { parse } = await import('csv-parse');
  // Excel writes what parts fields into a line of its own.
  const said = /^\s*sep=(.)\n/.exec(head)?.[1];
  const parser = parse({
    delimiter: said ?? delimiterOf(head),
    record_delimiter: '\n',
    info: true,
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    max_record_size: longestRow,
  });
  const feeding = feed(parser, text);
  let names: readonly string[] | undefined;
  let line = 0;
  let rows = 0;
  let failed: unknown;
  try {
    for await (const { record, info } of parser as AsyncIterable<{ record: string[]; info: { lines: number } }>) {
      // The parser counts the line that a row ends on.
      line = info.lines - newlinesIn(record);
      if (said !== undefined && line === 1) continue;
      if (!names) {
        names = namesOf(path, record);
        continue;
      }
      rows++;
      if (record.every((field) => field.trim() === '')) continue;
      yield { line, ...rowOf(names, record) };
    }
  } catch (error) {
    failed = error;
    throw csvError(path, error, line + 1);
  } finally {
    parser.destroy();
    const stopped = await feeding.catch((error: unknown) => error);
    // What the file itself is at fault for comes out of the parser too, once the text stops.
    if (stopped instanceof InputError && failed === undefined) throw stopped;
  }
  if (rows === 0) throw noRows(path);
}

/** Hands text to the parser as it takes it. Rejects with what reading the text throws, which ends the parser. */
async function feed(parser: import('csv-parse').Parser, text: AsyncIterable<string>): Promise<void> {
  try {
    for await (const piece of text) {
      if (parser.destroyed) return;
      if (parser.write(piece)) continue;
      await new Promise<void>((resolve) => {
        const done = (): void => {
          parser.off('drain', done).off('close', done);
          resolve();
        };
        parser.on('drain', done).on('close', done);
      });
    }
    parser.end();
  } catch (error) {
    parser.destroy(error as Error);
    throw error;
  }
}

const newlinesIn = (record: readonly string[]): number =>
  record.reduce((sum, field) => sum + (field.split('\n').length - 1), 0);

function namesOf(path: string, record: readonly string[]): string[] {
  const names = record.map((name, index) => name.trim() || `column ${index + 1}`);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined)
    throw new InputError(path, `has two columns that are called ${JSON.stringify(twice)}.`, {
      code: 'E_LIST',
      remedy: 'Give one of them another name.',
    });
  return names;
}

function rowOf(names: readonly string[], record: readonly string[]): Omit<ListRow, 'line'> {
  // Spreadsheets leave out empty fields at the end.
  const extra = record.slice(names.length).some((field) => field.trim() !== '');
  const fields = Object.fromEntries(names.map((name, index): [string, Json] => [name, record[index] ?? '']));
  return extra ? { fields, problem: `has ${record.length} fields, and there are ${names.length} columns` } : { fields };
}

function csvError(path: string, error: unknown, line: number): unknown {
  const { code } = error as { code?: unknown };
  if (typeof code !== 'string' || !code.startsWith('CSV_')) return error;
  const open = code === 'CSV_MAX_RECORD_SIZE' || code === 'CSV_QUOTE_NOT_CLOSED';
  return new InputError(
    `${path}:${line}`,
    open ? 'a quotation mark is opened and never closed.' : `is no CSV: ${(error as Error).message}.`,
    { code: 'E_LIST', cause: error, remedy: 'Correct that line.' },
  );
}
