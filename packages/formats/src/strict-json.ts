// Parses untrusted JSON: valid UTF-8, no key twice in one object, no more values than were asked for.

/** How much a text may hold. */
export interface JsonLimits {
  /** Objects and lists inside one another. */
  readonly depth: number;
  /** Signs that divide values: `{`, `[`, `:` and `,`. */
  readonly marks: number;
}

/**
 * Parses UTF-8 bytes. Throws a `SyntaxError` that says what is wrong: no UTF-8, no JSON, a key that comes twice, more
 * than `limits`, which are looked at first: parsing a text of nothing but brackets takes fifty times its size.
 */
export function parseStrictJson(bytes: Uint8Array, limits: JsonLimits): unknown {
  refuseExcess(bytes, limits);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new SyntaxError('is not valid UTF-8', { cause });
  }
  const value: unknown = JSON.parse(text);
  refuseRepeatedKeys(text);
  return value;
}

const quote = 0x22;
const backslash = 0x5c;

/** One pass over the bytes that keeps nothing of them; what is no JSON is left to JSON.parse. */
function refuseExcess(bytes: Uint8Array, limits: JsonLimits): void {
  let depth = 0;
  let marks = 0;
  for (let at = 0; at < bytes.length; at++) {
    const c = bytes[at]!;
    if (c === quote) {
      for (at++; at < bytes.length && bytes[at] !== quote; at++) if (bytes[at] === backslash) at++;
    } else if (c === 0x7b || c === 0x5b) {
      marks++;
      if (++depth > limits.depth) throw new SyntaxError(`is nested more than ${limits.depth} deep at byte ${at}`);
    } else if (c === 0x7d || c === 0x5d) depth--;
    else if (c === 0x2c || c === 0x3a) marks++;
    else continue;
    if (marks > limits.marks) throw new SyntaxError(`holds more values than are read, from byte ${at} on`);
  }
}

/**
 * JSON.parse lets the last of two equal keys win and other readers the first: a file must not mean two things. `text`
 * is valid JSON.
 */
function refuseRepeatedKeys(text: string): void {
  const open: Set<string>[] = [];
  for (let at = 0; at < text.length; at++) {
    const c = text[at];
    if (c === '{') open.push(new Set());
    else if (c === '}') open.pop();
    else if (c === '"') {
      const start = at;
      at = endOfString(text, at);
      let next = at + 1;
      while (' \n\r\t'.includes(text[next] ?? 'x')) next++;
      if (text[next] !== ':') continue;
      const raw = text.slice(start, at + 1);
      const key = raw.includes('\\') ? (JSON.parse(raw) as string) : raw.slice(1, -1);
      const keys = open.at(-1)!;
      if (keys.has(key)) throw new SyntaxError(`has the key ${raw} twice`);
      keys.add(key);
    }
  }
}

/** Where the closing quote is. No regular expression: V8's would need a stack as deep as the string is long. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); ; end = text.indexOf('"', end + 1)) {
    let slashes = 0;
    while (text[end - 1 - slashes] === '\\') slashes++;
    if (slashes % 2 === 0) return end;
  }
}
