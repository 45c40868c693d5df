// Keeps items in order until they are wanted: a few in memory, the others in scratch.

import { isPlain, packedBytes, packedHead, packing } from './packed-item.ts';
import { recordQueue, type Room } from './record-queue.ts';

/** Items in the order in which they came. */
export interface Aside<T> {
  push(item: T): Promise<void>;
  /** The oldest; `undefined` when there is none. */
  shift(): Promise<T | undefined>;
}

/** Bytes of numbers that stay in memory for each input that is kept aside. */
export const asideBytes = 16 * 2 ** 20;

/** Items that stay in memory for each input that is kept aside. */
export const asideItems = 256;

/**
 * Knows nothing of kinds but frames (see `Packing`). Of an item in scratch only what cannot be bytes stays in memory:
 * functions, frames with a `read` of their own. The scratch is opened when it is needed, begins anew when all has been
 * fetched, and belongs to whoever opens it.
 */
export function aside<T>(open: () => Promise<Room>, inMemoryBytes = asideBytes, inMemoryItems = asideItems): Aside<T> {
  const { pack, unpack } = packing();
  const packed = recordQueue(open, packedHead, packedBytes);
  /** Of those of the packed items that have some. */
  const handles: { readonly number: number; readonly of: readonly unknown[] }[] = [];
  let packedSoFar = 0;
  let unpackedSoFar = 0;
  /** In their order: items that are here as they came, with their bytes of numbers, and how many packed ones follow. */
  const order: ({ readonly item: T; readonly bytes: number } | { packed: number })[] = [];
  let held = 0;
  let whole = 0;
  // One step after another: clearing the scratch must not overtake numbers that are still on their way into it.
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <R>(step: () => Promise<R>): Promise<R> => {
    const turn = last.then(step);
    last = turn.catch(() => undefined);
    return turn;
  };

  return {
    push: (item) =>
      inTurn(async () => {
        const bytes = sizeOf(item);
        if (held + bytes <= inMemoryBytes && whole < inMemoryItems) {
          held += bytes;
          whole += 1;
          order.push({ item, bytes });
          return;
        }
        const { pieces, bytes: size, handles: of } = pack(item);
        await packed.push(pieces, size);
        if (of.length) handles.push({ number: packedSoFar, of });
        packedSoFar += 1;
        const newest = order.at(-1);
        if (newest && 'packed' in newest) newest.packed += 1;
        else order.push({ packed: 1 });
      }),
    shift: () =>
      inTurn(async () => {
        const [first] = order;
        if (!first) return undefined;
        if ('item' in first) {
          order.shift();
          held -= first.bytes;
          whole -= 1;
          return first.item;
        }
        const own = handles[0]?.number === unpackedSoFar ? handles.shift()!.of : [];
        const item = unpack(await packed.shift(), own) as T;
        unpackedSoFar += 1;
        if (--first.packed === 0) order.shift();
        return item;
      }),
  };
}

/** Bytes of the numbers of a value. */
function sizeOf(value: unknown): number {
  if (ArrayBuffer.isView(value)) return value.byteLength;
  const parts = Array.isArray(value) ? (value as unknown[]) : isPlain(value) ? Object.values(value) : [];
  return parts.reduce<number>((sum, part) => sum + sizeOf(part), 0);
}
