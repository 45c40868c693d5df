// Reads grids from a scratch, and keeps those that were read last.

import type { Scratch } from '@deepearth/core';

/** Bytes of grids that are kept in memory. */
export const mostHeld = 1 << 26;

/** Where the values of a grid lie: `length` numbers (float32) from a byte on. */
export interface KeptGrid {
  readonly offset: number;
  readonly length: number;
}

/** Reads grids by where they lie; those read last stay in memory, within 64 MiB. */
export function heldGrids(scratch: Pick<Scratch, 'read'>): (kept: KeptGrid) => Promise<Float32Array> {
  const held = new Map<number, Float32Array>();
  let bytes = 0;
  return async ({ offset, length }) => {
    const known = held.get(offset);
    if (known) return known;
    const read = (await scratch.read(offset, length * 4)).slice();
    const values = new Float32Array(read.buffer);
    held.set(offset, values);
    bytes += values.byteLength;
    for (const [oldest, old] of held) {
      if (bytes <= mostHeld || oldest === offset) break;
      held.delete(oldest);
      bytes -= old.byteLength;
    }
    return values;
  };
}
