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
/** Bytes of a piece that are read at once. */
const readBytes = 1 << 14;

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
      const sources = [
        ...pieces.map(({ at, length }) => entriesOf(room!, at, length)),
        (async function* (entries) {
          yield* entries;
        })(sorted([...leaving, ...waiting])),
      ];
      for await (const [key, line] of merged(sources)) yield { key, line };
    },
  };
}

const sizeOf = ([key, line]: Entry): number => key.length + line.length;

const sorted = (entries: readonly Entry[]): Entry[] => [...entries].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));

async function* entriesOf(room: Promise<Room>, start: number, length: number): AsyncGenerator<Entry> {
  const { read } = await room;
  let rest = new Uint8Array(0);
  const decoder = new TextDecoder();
  for (let at = 0; at < length; at += readBytes) {
    const more = await read(start + at, Math.min(readBytes, length - at));
    const bytes = new Uint8Array(rest.length + more.length);
    bytes.set(rest);
    bytes.set(more, rest.length);
    let from = 0;
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, from)) {
      yield JSON.parse(decoder.decode(bytes.subarray(from, end))) as Entry;
      from = end + 1;
    }
    rest = bytes.slice(from);
  }
}

/** Sorted sources as one; of equal keys those of earlier sources first. */
async function* merged(sources: readonly AsyncGenerator<Entry>[]): AsyncGenerator<Entry> {
  const heads: { readonly rank: number; readonly entry: Entry; readonly source: AsyncGenerator<Entry> }[] = [];
  const before = (a: (typeof heads)[number], b: (typeof heads)[number]): boolean =>
    a.entry[0] < b.entry[0] || (a.entry[0] === b.entry[0] && a.rank < b.rank);
  const put = async (rank: number, source: AsyncGenerator<Entry>): Promise<void> => {
    const next = await source.next();
    if (next.done) return;
    const head = { rank, entry: next.value, source };
    let [low, high] = [0, heads.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      // The last one is the least, and is taken first.
      if (before(heads[middle]!, head)) high = middle;
      else low = middle + 1;
    }
    heads.splice(low, 0, head);
  };
  for (const [rank, source] of sources.entries()) await put(rank, source);
  for (let head = heads.pop(); head; head = heads.pop()) {
    yield head.entry;
    await put(head.rank, head.source);
  }
}
