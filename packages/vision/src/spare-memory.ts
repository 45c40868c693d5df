// Memory for the pixels of large rasters, used again once nobody reads them.

import { freeMemory } from '@deepearth/core/free-memory';

/** Smaller rasters are left to the garbage collector. */
const large = 2 ** 19;
/** Bytes that wait for use, a few frames of the size of cameras. */
const mostSpare = 2 ** 25;

const spare = freeMemory<ArrayBuffer>(mostSpare);

/** So many bytes, with what is left in them. */
export const spareMemory = (bytes: number): ArrayBuffer =>
  (bytes < large ? undefined : spare.take(bytes)) ?? new ArrayBuffer(bytes);

/** Takes memory back that nobody uses any more. */
export function giveBack(memory: ArrayBuffer): void {
  if (memory.byteLength >= large) spare.give(memory);
}
