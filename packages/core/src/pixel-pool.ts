// Memory for the pixels of pictures, used again once nobody needs them: a new array of megabytes for each picture keeps
// the garbage collector busier than the drawing takes.

import { freeMemory } from './free-memory.ts';
import type { Item, Picture } from './items.ts';

/** Where stages take memory for pixels from, and give it back. */
export interface PixelPool {
  /** An array of so many bytes. What it holds is left over from others: write all of it. */
  take(bytes: number): Uint8Array<ArrayBuffer>;
  /**
   * Says that a stage needs the pixels of a picture that it was sent no longer, and has not handed them on. Call it
   * once for a picture. They are used again when all who were sent them have said so, and left to the garbage collector
   * where one never does, or where they were not taken here.
   */
  release(picture: Picture): void;
}

/** The pool of a run, which knows who is sent what. */
export interface RunPixelPool extends PixelPool {
  /** Counts those that an item is sent to. */
  sent(item: Item, to: number): void;
}

/** Keeps at most `mostBytes` that nobody uses; what was released first goes first. */
export function pixelPool(mostBytes = 2 ** 26): RunPixelPool {
  /** Of what was taken, how many have been sent it and not released it. */
  const holders = new WeakMap<Uint8Array, number>();
  const free = freeMemory<Uint8Array<ArrayBuffer>>(mostBytes);
  return {
    take(bytes) {
      const array = free.take(bytes) ?? new Uint8Array(bytes);
      holders.set(array, 0);
      return array;
    },
    sent(item, to) {
      if (item.kind !== 'picture') return;
      const { data } = (item as Picture).pixels;
      const others = holders.get(data);
      if (others !== undefined) holders.set(data, others + to);
    },
    release({ pixels: { data } }) {
      const left = (holders.get(data) ?? 0) - 1;
      if (left > 0) holders.set(data, left);
      // Below 0: not taken here, or handed on past the run, which does not know who has it.
      if (left !== 0) return;
      holders.delete(data);
      free.give(data as Uint8Array<ArrayBuffer>);
    },
  };
}
