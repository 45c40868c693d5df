// Room for bytes that are read: that of the caller, where it is large enough.

/** The first `length` bytes of `into`, or new ones where it is too small or absent. */
export const roomIn = (into: Uint8Array | undefined, length: number): Uint8Array =>
  into && into.byteLength >= length ? into.subarray(0, length) : new Uint8Array(length);
