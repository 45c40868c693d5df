// A manifest as text.

import { isLongList, type LongList } from './columns.ts';
import { textBytes } from './text-bytes.ts';

/** The text of a manifest as bytes; each piece lies where the one before lay. */
export const jsonPieces = (value: object): AsyncGenerator<Uint8Array> => textBytes(jsonText(value));

const indented = (part: unknown, by: string): string => JSON.stringify(part, null, 1).replaceAll('\n', `\n${by}`);

const isIterable = (part: unknown): part is AsyncIterable<unknown> =>
  typeof part === 'object' && part !== null && Symbol.asyncIterator in part;

/**
 * `JSON.stringify(value, null, 1)` and a line feed, element by element of the lists it holds, which may come over time:
 * the text of a whole manifest may be large. Long lists in these elements are in lines of many values.
 */
export async function* jsonText(value: object): AsyncGenerator<string> {
  let before = '{';
  for (const [name, part] of Object.entries(value)) {
    if (part === undefined) continue;
    const head = `${before}\n ${JSON.stringify(name)}: `;
    before = ',';
    if (!Array.isArray(part) && !isIterable(part)) {
      yield `${head}${indented(part, ' ')}`;
      continue;
    }
    let between = `${head}[\n  `;
    for await (const element of part as AsyncIterable<unknown> | readonly unknown[]) {
      yield between;
      between = ',\n  ';
      if (holdsLong(element)) yield* piecewise(element, '  ');
      else yield indented(element, '  ');
    }
    yield between === ',\n  ' ? '\n ]' : `${head}[]`;
  }
  yield '\n}\n';
}

/** Values of a long list in one line, and the length from which a list is written so. */
const perLine = 100;

const isLong = (part: unknown): part is readonly unknown[] | LongList<unknown> =>
  isLongList(part)
    ? part.length > perLine
    : Array.isArray(part) && part.length > perLine && part.every((each) => each === null || typeof each !== 'object');

/** Whether a part is an object that has a long list, at whatever depth: its text comes in pieces. */
const holdsLong = (part: unknown): part is object =>
  typeof part === 'object' &&
  part !== null &&
  !Array.isArray(part) &&
  Object.values(part).some((each) => isLongList(each) || isLong(each) || holdsLong(each));

function* piecewise(whole: object, by: string): Generator<string> {
  const deeper = `${by} `;
  let before = '{';
  for (const [name, part] of Object.entries(whole) as [string, unknown][]) {
    if (part === undefined) continue;
    yield `${before}\n${deeper}${JSON.stringify(name)}: `;
    before = ',';
    if (isLong(part)) yield* linesOf(part, deeper);
    else if (isLongList(part)) yield indented([...part], deeper);
    else if (holdsLong(part)) yield* piecewise(part, deeper);
    else yield indented(part, deeper);
  }
  yield `\n${by}}`;
}

function* linesOf(list: Iterable<unknown>, by: string): Generator<string> {
  let line: unknown[] = [];
  let between = '[';
  const lineOf = (): string => `${between}\n${by} ${JSON.stringify(line).slice(1, -1)}`;
  for (const value of list) {
    if (line.length === perLine) {
      yield lineOf();
      between = ',';
      line = [];
    }
    line.push(value);
  }
  yield `${lineOf()}\n${by}]`;
}
