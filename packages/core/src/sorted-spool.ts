// Lines in the order of their keys, however many there are: sorted piece by piece, on disk where they are many.

import type { Scratch } from './stage.ts';

type Room = Pick<Scratch, 'append' | 'read'>;

/** Lines of text with a key each. */
export interface SortedSpool {
  /** Resolves when there is room for more. Throws, here or later, what the scratch throws. */
  add(key: string, line: string): Promise<void>;
  /**
   * The lines so far in the order of their keys (of their characters, as `<` compares); those of one key as they came.
   * More may be added meanwhile, and are not among them.
   */
  inOrder(): AsyncGenerator<{ readonly key: string; readonly line: string }>;
}

/** Characters of keys and lines that wait in memory before they go to the scratch. */
const mostWaiting = 1 << 18;
/** Bytes that are read ahead, of all pieces together; of each at least 1 KiB and at most 16. */
const readAheadBytes = 1 << 20;

type Entry = readonly [key: string, line: string];

/** The scratch is opened when memory is full, and belongs to whoever opens it. */
export function sortedSpool(open: () => Promise<Room>, waitingCharacters = mostWaiting): SortedSpool {
  const pieces: { readonly at: number; readonly length: number }[] = [];
  let waiting: Entry[] = [];
  /** On their way into the scratch; read from memory until they are there. */
  let leaving: readonly Entry[] = [];
  let characters = 0;
  let room: Promise<Room> | undefined;
  let last: Promise<void> = Promise.resolve();

  async function flush(): Promise<void> {
    if (characters < waitingCharacters) return;
    leaving = sorted(waiting);
    waiting = [];
    characters = 0;
    const bytes = new TextEncoder().encode(leaving.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
    const at = await (await (room ??= open())).append(bytes);
    pieces.push({ at, length: bytes.length });
    leaving = [];
  }

  return {
    add(key, line) {
      waiting.push([key, line]);
      characters += sizeOf([key, line]);
      if (characters < waitingCharacters) return last;
      last = last.then(flush);
      // Whoever adds next is told; nobody may be waiting for this one.
      last.catch(() => undefined);
      return last;
    },
    async *inOrder() {
      await last;
      const bytes = Math.min(Math.max(Math.floor(readAheadBytes / (pieces.length || 1)), 1 << 10), 1 << 14);
      const cursors = [
        ...pieces.map(({ at, length }) => pieceCursor(room!, at, length, bytes)),
        listCursor(sorted([...leaving, ...waiting])),
      ];
      yield* merged(cursors);
    },
  };
}

const sizeOf = ([key, line]: Entry): number => key.length + line.length;

const sorted = (entries: readonly Entry[]): Entry[] => [...entries].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));

/** Goes through sorted entries: the next one, `undefined` at the end; a promise only where something has to be read. */
type Cursor = () => Entry | undefined | Promise<Entry | undefined>;

function listCursor(entries: readonly Entry[]): Cursor {
  let at = 0;
  return () => entries[at++];
}

/** Entries of a piece, of which `bytes` are in memory at a time, more where a line is longer. */
function pieceCursor(room: Promise<Room>, start: number, length: number, bytes: number): Cursor {
  const decoder = new TextDecoder();
  let buffer = new Uint8Array(bytes);
  let from = 0;
  let to = 0;
  let read = 0;
  const next = (): Entry | undefined => {
    const end = buffer.subarray(0, to).indexOf(10, from);
    if (end < 0) return undefined;
    const text = decoder.decode(buffer.subarray(from, end));
    from = end + 1;
    return JSON.parse(text) as Entry;
  };
  const more = async (): Promise<Entry | undefined> => {
    const { read: readFrom } = await room;
    while (read < length) {
      const larger = from === 0 && to === buffer.length ? new Uint8Array(2 * buffer.length) : buffer;
      larger.set(buffer.subarray(from, to));
      [buffer, to, from] = [larger, to - from, 0];
      const free = buffer.subarray(to, to + length - read);
      const found = await readFrom(start + read, free.length, free);
      if (found.buffer !== free.buffer) free.set(found);
      read += free.length;
      to += free.length;
      const entry = next();
      if (entry) return entry;
    }
    return undefined;
  };
  return () => next() ?? more();
}

/** Sorted cursors as one; of equal keys those of earlier cursors first. */
async function* merged(cursors: readonly Cursor[]): AsyncGenerator<{ readonly key: string; readonly line: string }> {
  const heads: { readonly rank: number; readonly entry: Entry }[] = [];
  const before = (a: (typeof heads)[number], b: (typeof heads)[number]): boolean =>
    a.entry[0] < b.entry[0] || (a.entry[0] === b.entry[0] && a.rank < b.rank);
  const put = (rank: number, entry: Entry | undefined): void => {
    if (!entry) return;
    const head = { rank, entry };
    let [low, high] = [0, heads.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      // The last one is the least, and is taken first.
      if (before(heads[middle]!, head)) high = middle;
      else low = middle + 1;
    }
    heads.splice(low, 0, head);
  };
  for (const [rank, cursor] of cursors.entries()) put(rank, await cursor());
  for (let head = heads.pop(); head; head = heads.pop()) {
    const [key, line] = head.entry;
    yield { key, line };
    const next = cursors[head.rank]!();
    put(head.rank, next instanceof Promise ? await next : next);
  }
}
