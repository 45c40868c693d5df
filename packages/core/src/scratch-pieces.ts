// What a stage put aside, from its beginning to its end.

import type { Scratch } from './stage.ts';

/** Bytes of a piece. */
const pieceBytes = 1 << 20;

/**
 * The first bytes of a scratch in pieces of a mebibyte. Each lies where the one before lay: whoever keeps one copies
 * it.
 */
export async function* scratchPieces(scratch: Pick<Scratch, 'read'>, bytes: number): AsyncGenerator<Uint8Array> {
  const room = new Uint8Array(Math.min(pieceBytes, bytes));
  for (let at = 0; at < bytes; at += room.byteLength) {
    const length = Math.min(room.byteLength, bytes - at);
    yield await scratch.read(at, length, room.subarray(0, length));
  }
}
