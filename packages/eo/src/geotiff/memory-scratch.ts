// Room in memory for what would otherwise wait on disk.

import type { Scratch } from '@deepearth/core';

/** A scratch in memory; reads return what was appended, piece by piece. */
export function memoryScratch(): Scratch {
  const pieces = new Map<number, Uint8Array>();
  let length = 0;
  return {
    get length() {
      return length;
    },
    append(bytes) {
      const offset = length;
      pieces.set(offset, bytes);
      length += bytes.length;
      return Promise.resolve(offset);
    },
    read(offset, wanted) {
      const piece = pieces.get(offset);
      if (!piece || piece.length < wanted) return Promise.reject(new RangeError(`nothing begins at ${offset}`));
      return Promise.resolve(piece.subarray(0, wanted));
    },
    clear() {
      pieces.clear();
      length = 0;
      return Promise.resolve();
    },
  };
}
