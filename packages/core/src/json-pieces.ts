// A manifest as text.

/**
 * `JSON.stringify(value, null, 1)` and a line feed, element by element of the lists it holds: the text of a whole
 * manifest may be large.
 */
export async function* jsonPieces(value: object): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  const indented = (part: unknown, by: string): string => JSON.stringify(part, null, 1).replaceAll('\n', `\n${by}`);
  let before = '{';
  for (const [name, part] of Object.entries(value)) {
    if (part === undefined) continue;
    const head = `${before}\n ${JSON.stringify(name)}: `;
    before = ',';
    if (!Array.isArray(part) || part.length === 0) {
      yield encoder.encode(`${head}${indented(part, ' ')}`);
      continue;
    }
    for (const [index, element] of part.entries())
      yield encoder.encode(`${index === 0 ? `${head}[` : ','}\n  ${indented(element, '  ')}`);
    yield encoder.encode('\n ]');
  }
  yield encoder.encode('\n}\n');
}
