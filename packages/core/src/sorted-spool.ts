// Lines in the order of their keys, however many there are: sorted piece by piece, on disk where they are many.

import { entryAt, entryBytes, entryLength, type Entry, type EntryBytes } from './entry-bytes.ts';
import { roomIn } from './room-in.ts';
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

/** Bytes of keys and lines that wait in memory before they go to the scratch. */
const mostWaiting = 1 << 18;
/** Bytes that are read ahead, of all pieces together; of each at least 1 KiB and at most 16. */
const readAheadBytes = 1 << 20;

/** Well-formed Unicode only. The scratch is opened when memory is full, and belongs to whoever opens it. */
export function sortedSpool(open: () => Promise<Room>, waitingBytes = mostWaiting): SortedSpool {
  const pieces: { readonly at: number; readonly length: number }[] = [];
  let waiting = entryBytes();
  /** On their way into the scratch; read from memory until they are there. */
  let leaving: EntryBytes | undefined;
  /** Memory that is used again. */
  let spare = entryBytes();
  let out = new Uint8Array(0);
  /** What pieces are read into, while nobody goes through them. */
  let ahead: Uint8Array | undefined = new Uint8Array(0);
  const long = longRoom();
  let room: Promise<Room> | undefined;
  let last: Promise<void> = Promise.resolve();

  async function flush(): Promise<void> {
    if (waiting.length < waitingBytes) return;
    leaving = waiting;
    waiting = spare;
    const sorted = leaving.sorted(out);
    const length = sorted.byteLength;
    if (sorted.buffer !== out.buffer) out = sorted as Uint8Array<ArrayBuffer>;
    const at = await (await (room ??= open())).append(sorted);
    pieces.push({ at, length });
    spare = leaving;
    spare.clear();
    leaving = undefined;
  }

  return {
    add(key, line) {
      waiting.push(key, line);
      if (waiting.length < waitingBytes) return last;
      last = last.then(flush);
      // Whoever adds next is told; nobody may be waiting for this one.
      last.catch(() => undefined);
      return last;
    },
    async *inOrder() {
      await last;
      const bytes = Math.min(Math.max(Math.floor(readAheadBytes / (pieces.length || 1)), 1 << 10), 1 << 14);
      const own = roomIn(ahead, bytes * pieces.length);
      ahead = undefined;
      const cursors = [
        ...pieces.map(({ at, length }, index) =>
          pieceCursor(room!, at, length, own.subarray(index * bytes, (index + 1) * bytes), long),
        ),
        listCursor(leaving?.entries() ?? []),
        listCursor(waiting.entries()),
      ];
      try {
        yield* merged(cursors);
      } finally {
        ahead = own;
      }
    },
  };
}

/** Goes through sorted entries: the next one, `undefined` at the end; a promise only where something has to be read. */
type Cursor = () => Entry | undefined | Promise<Entry | undefined>;

function listCursor(entries: readonly Entry[]): Cursor {
  let at = 0;
  return () => entries[at++];
}

/** Memory for an entry that is longer than others; used again by the next. */
interface LongRoom {
  take(bytes: number): Uint8Array;
  give(room: Uint8Array): void;
}

function longRoom(): LongRoom {
  let waiting: Uint8Array | undefined;
  return {
    take(bytes) {
      const room = roomIn(waiting, bytes);
      waiting = undefined;
      return room;
    },
    give: (room) => void (waiting = room),
  };
}

/** Entries of a piece, of which as much as `own` takes is in memory at a time, or one that is longer. */
function pieceCursor(room: Promise<Room>, start: number, length: number, own: Uint8Array, long: LongRoom): Cursor {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  let buffer = own;
  let from = 0;
  let to = 0;
  let read = 0;
  const next = (): Entry | undefined => {
    const found = entryAt(buffer.subarray(0, to), from, decoder);
    if (found) from = found.end;
    return found?.entry;
  };
  const more = async (): Promise<Entry | undefined> => {
    const { read: readFrom } = await room;
    while (read < length) {
      const rest = buffer.subarray(from, to);
      const wanted = entryLength(rest);
      const roomier = wanted <= own.byteLength ? own : long.take(wanted);
      roomier.set(rest);
      if (buffer !== own && buffer !== roomier) long.give(buffer);
      [buffer, from, to] = [roomier, 0, rest.byteLength];
      const free = buffer.subarray(to, to + length - read);
      const found = await readFrom(start + read, free.length, free);
      if (found.buffer !== free.buffer) free.set(found);
      read += free.length;
      to += free.length;
      const entry = next();
      if (entry) return entry;
    }
    if (buffer !== own) long.give(buffer);
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
