// Keys and lines one after the other in one piece of memory: thousands of small texts would be as many objects for the
// garbage collector.

export type Entry = readonly [key: string, line: string];

/** Bytes in front of an entry: how many its key has, and its line. */
export const entryHead = 8;

/** Entries that gather. */
export interface EntryBytes {
  /** Bytes so far. */
  readonly length: number;
  push(key: string, line: string): void;
  /** In the order of their keys (of their characters, as `<` compares); those of one key as they came. */
  entries(): Entry[];
  /** The bytes of the entries in that order; they lie in `into`, where there is room for them. */
  sorted(into?: Uint8Array): Uint8Array;
  /** Forgets all, and keeps its memory. */
  clear(): void;
}

/** Well-formed Unicode only. */
export function entryBytes(): EntryBytes {
  const encoder = new TextEncoder();
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  let bytes = new Uint8Array(1 << 12);
  let view = new DataView(bytes.buffer);
  let length = 0;

  function makeRoom(wanted: number): void {
    if (wanted <= bytes.byteLength) return;
    const larger = new Uint8Array(Math.max(wanted, 2 * bytes.byteLength));
    larger.set(bytes.subarray(0, length));
    bytes = larger;
    view = new DataView(bytes.buffer);
  }

  function put(text: string, at: number): number {
    return encoder.encodeInto(text, bytes.subarray(at)).written;
  }

  function inOrder(): { readonly key: string; readonly at: number; readonly line: number; readonly end: number }[] {
    const places = [];
    for (let at = 0; at < length;) {
      const line = at + entryHead + view.getUint32(at, true);
      const end = line + view.getUint32(at + 4, true);
      places.push({ key: decoder.decode(bytes.subarray(at + entryHead, line)), at, line, end });
      at = end;
    }
    return places.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  }

  return {
    get length() {
      return length;
    },
    push(key, line) {
      // A unit of UTF-16 is at most three bytes.
      makeRoom(length + entryHead + 3 * (key.length + line.length));
      const start = length + entryHead;
      const keyBytes = put(key, start);
      const lineBytes = put(line, start + keyBytes);
      view.setUint32(length, keyBytes, true);
      view.setUint32(length + 4, lineBytes, true);
      length = start + keyBytes + lineBytes;
    },
    entries: () => inOrder().map(({ key, line, end }) => [key, decoder.decode(bytes.subarray(line, end))]),
    sorted(into) {
      const out = into && into.byteLength >= length ? into.subarray(0, length) : new Uint8Array(length);
      let to = 0;
      for (const { at, end } of inOrder()) {
        out.set(bytes.subarray(at, end), to);
        to += end - at;
      }
      return out;
    },
    clear: () => void (length = 0),
  };
}

/** Bytes of the entry that begins with these; at least those of its head, where that is not there whole. */
export function entryLength(bytes: Uint8Array): number {
  if (bytes.byteLength < entryHead) return entryHead;
  const head = new DataView(bytes.buffer, bytes.byteOffset, entryHead);
  return entryHead + head.getUint32(0, true) + head.getUint32(4, true);
}

/** The entry that begins at a place and the place behind it; `undefined` where it is not there whole. */
export function entryAt(
  bytes: Uint8Array,
  at: number,
  decoder: TextDecoder,
): { readonly entry: Entry; readonly end: number } | undefined {
  if (at + entryHead > bytes.byteLength) return undefined;
  const head = new DataView(bytes.buffer, bytes.byteOffset + at, entryHead);
  const line = at + entryHead + head.getUint32(0, true);
  const end = line + head.getUint32(4, true);
  if (end > bytes.byteLength) return undefined;
  return {
    entry: [decoder.decode(bytes.subarray(at + entryHead, line)), decoder.decode(bytes.subarray(line, end))],
    end,
  };
}
