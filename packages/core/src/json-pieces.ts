// A manifest as text.

/** The text of a manifest in pieces, as bytes. */
export async function* jsonPieces(value: object): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  for await (const piece of jsonText(value)) yield encoder.encode(piece);
}

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

const isColumn = (part: unknown): part is readonly unknown[] =>
  Array.isArray(part) && part.length > perLine && part.every((each) => each === null || typeof each !== 'object');

// Columns are looked at one after another: each may be made when it is asked for.
const partOf = (table: object, name: string): unknown => (table as Readonly<Record<string, unknown>>)[name];

const isTable = (element: unknown): element is object =>
  typeof element === 'object' &&
  element !== null &&
  Object.keys(element).some((name) => isColumn(partOf(element, name)));

function* tableOf(table: object): Generator<string> {
  let before = '{';
  for (const name of Object.keys(table)) {
    const part = partOf(table, name);
    if (part === undefined) continue;
    yield `${before}\n   ${JSON.stringify(name)}: `;
    before = ',';
    if (!isColumn(part)) {
      yield indented(part, '   ');
      continue;
    }
    for (let at = 0; at < part.length; at += perLine)
      yield `${at === 0 ? '[' : ','}\n    ${JSON.stringify(part.slice(at, at + perLine)).slice(1, -1)}`;
    yield '\n   ]';
  }
  yield '\n  }';
}
