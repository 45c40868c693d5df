// Looks at stored bytes as values, in the order of bytes of this machine.

import { elementBytes, viewAs, type DType, type TensorData } from '@deepearth/core';

/** Values of `bytes`; copied where they are big-endian or do not begin at a multiple of their size. */
export function elementsOf<D extends DType>(dtype: D, bytes: Uint8Array, bigEndian: boolean): TensorData<D> {
  const width = dtype.startsWith('complex') ? elementBytes(dtype) / 2 : elementBytes(dtype);
  return viewAs(dtype, bigEndian && width > 1 ? swapped(bytes, width) : bytes);
}

/** A copy in which the bytes of every value stand the other way round. */
function swapped(bytes: Uint8Array, width: number): Uint8Array {
  // A Buffer's own `slice` would share its memory.
  const copy = Uint8Array.prototype.slice.call(bytes);
  const buffer = Buffer.from(copy.buffer, copy.byteOffset, copy.byteLength - (copy.byteLength % width));
  if (width === 2) buffer.swap16();
  else if (width === 4) buffer.swap32();
  else buffer.swap64();
  return copy;
}
