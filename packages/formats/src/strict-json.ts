// Parses untrusted JSON: valid UTF-8, no key twice in one object.

/** Parses UTF-8 bytes. Throws a `SyntaxError` that says what is wrong: no UTF-8, no JSON, a key that comes twice. */
export function parseStrictJson(bytes: Uint8Array): unknown {
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
      const raw = text.slice(at, endOfString(text, at) + 1);
      at += raw.length - 1;
      let next = at + 1;
      while (/\s/.test(text[next] ?? 'x')) next++;
      if (text[next] !== ':') continue;
      const key = JSON.parse(raw) as string;
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
