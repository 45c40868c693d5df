// Memory that waits to be used again: new memory for each picture or grid keeps the garbage collector busy.

/** Pieces of memory of any sizes. */
export interface FreeMemory<T> {
  /** One of exactly so many bytes, with what is left in it; `undefined` where none waits. */
  take(bytes: number): T | undefined;
  /** Takes one that nobody uses any more. */
  give(memory: T): void;
  /** Lets go of all. */
  clear(): void;
}

/** Keeps at most so many bytes; what was given first goes first. */
export function freeMemory<T extends { readonly byteLength: number }>(mostBytes: number): FreeMemory<T> {
  const waiting: T[] = [];
  let held = 0;
  return {
    take(bytes) {
      const at = waiting.findIndex(({ byteLength }) => byteLength === bytes);
      if (at < 0) return undefined;
      held -= bytes;
      return waiting.splice(at, 1)[0];
    },
    give(memory) {
      waiting.push(memory);
      for (held += memory.byteLength; held > mostBytes;) held -= waiting.shift()!.byteLength;
    },
    clear() {
      waiting.length = 0;
      held = 0;
    },
  };
}
