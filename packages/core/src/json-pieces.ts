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
 * the text of a whole manifest may be large. Long columns of tables are in lines of many values.
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
      if (isTable(element)) yield* tableOf(element);
      else yield indented(element, '  ');
    }
    yield between === ',\n  ' ? '\n ]' : `${head}[]`;
  }
  yield '\n}\n';
}

/** Values of a column in one line, and the length from which a list is written so. */
const perLine = 100;

const isColumn = (part: unknown): part is readonly unknown[] | LongList<unknown> =>
  isLongList(part)
    ? part.length > perLine
    : Array.isArray(part) && part.length > perLine && part.every((each) => each === null || typeof each !== 'object');

const isTable = (element: unknown): element is object =>
  typeof element === 'object' &&
  element !== null &&
  Object.values(element).some((part) => isLongList(part) || isColumn(part));

function* tableOf(table: object): Generator<string> {
  let before = '{';
  for (const [name, part] of Object.entries(table) as [string, unknown][]) {
    if (part === undefined) continue;
    yield `${before}\n   ${JSON.stringify(name)}: `;
    before = ',';
    if (!isColumn(part)) {
      yield indented(isLongList(part) ? [...part] : part, '   ');
      continue;
    }
    let line: unknown[] = [];
    let between = '[';
    const lineOf = (): string => `${between}\n    ${JSON.stringify(line).slice(1, -1)}`;
    for (const value of part) {
      if (line.length === perLine) {
        yield lineOf();
        between = ',';
        line = [];
      }
      line.push(value);
    }
    yield `${lineOf()}\n   ]`;
  }
  yield '\n  }';
}
