// Memory for the pixels of large rasters, used again once nobody reads them.

/** Smaller rasters are left to the garbage collector. */
const large = 2 ** 19;
/** Bytes that wait for use, a few frames of the size of cameras. */
const mostSpare = 2 ** 25;

/** What was given back first goes first. */
const spare: ArrayBuffer[] = [];
let spareBytes = 0;

/** So many bytes, with what is left in them. */
export function spareMemory(bytes: number): ArrayBuffer {
  const found = bytes < large ? -1 : spare.findIndex(({ byteLength }) => byteLength === bytes);
  if (found < 0) return new ArrayBuffer(bytes);
  spareBytes -= bytes;
  return spare.splice(found, 1)[0]!;
}

/** Takes memory back that nobody uses any more. */
export function giveBack(memory: ArrayBuffer): void {
  if (memory.byteLength < large) return;
  spare.push(memory);
  for (spareBytes += memory.byteLength; spareBytes > mostSpare;) spareBytes -= spare.shift()!.byteLength;
}
