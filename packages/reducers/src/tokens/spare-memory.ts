// Memory of the tokens of grids, used again once nobody needs them.

import { freeMemory } from '@deepearth/core/free-memory';

/** Lends memory, and takes it back. */
export interface SpareMemory {
  /** So many bytes, which hold anything. */
  take(bytes: number): ArrayBuffer;
  /**
   * Gives back what an array lies in, once nobody looks at it any more; does nothing where it was not taken here, or
   * was given back already.
   */
  giveBack(array: ArrayBufferView): void;
}

/** Grids come one after another in two forms, as they are stored and as numbers of 32 bits. */
const mostSpareBytes = 2 ** 27;
/** A fit that begins meanwhile needs the room for itself. */
const keptMs = 500;

/** Starts without any; what nobody asks for is kept for half a second. */
export function spareMemory(): SpareMemory {
  const lent = new WeakSet<ArrayBufferLike>();
  const spare = freeMemory<ArrayBuffer>(mostSpareBytes);
  let timer: ReturnType<typeof setTimeout> | undefined;
  return {
    take(bytes) {
      const buffer = spare.take(bytes) ?? new ArrayBuffer(bytes);
      lent.add(buffer);
      return buffer;
    },
    giveBack({ buffer }) {
      if (!lent.delete(buffer)) return;
      spare.give(buffer as ArrayBuffer);
      clearTimeout(timer);
      timer = setTimeout(() => spare.clear(), keptMs);
      (timer as { unref?: () => void }).unref?.();
    },
  };
}
