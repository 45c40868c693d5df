// Memory of large arrays, used again once nobody needs them: a new one for each grid of tokens makes the garbage
// collector run for each grid.

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
const mostSpare = 4;
/** A fit that begins meanwhile needs the room for itself. */
const keptMs = 500;

/** Starts without any; what nobody asks for is kept for half a second. */
export function spareMemory(): SpareMemory {
  const lent = new WeakSet<ArrayBufferLike>();
  let spare: ArrayBuffer[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  return {
    take(bytes) {
      const at = spare.findIndex(({ byteLength }) => byteLength === bytes);
      const [buffer = new ArrayBuffer(bytes)] = at >= 0 ? spare.splice(at, 1) : [];
      lent.add(buffer);
      return buffer;
    },
    giveBack({ buffer }) {
      if (!lent.delete(buffer)) return;
      spare = [...spare, buffer as ArrayBuffer].slice(-mostSpare);
      clearTimeout(timer);
      timer = setTimeout(() => (spare = []), keptMs);
      (timer as { unref?: () => void }).unref?.();
    },
  };
}
