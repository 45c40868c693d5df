// Decodes a chunk in WebAssembly, on the thread that asks.

import { decodeBlosc } from './blosc.ts';
import type { Room } from './buffer-pool.ts';
import { decodeWith } from './codec-kernel.ts';

/** What WebAssembly decodes. */
export type Compression = 'lz4' | 'zstd' | 'blosc';

/** The content, of at most `most` bytes. Throws a `RangeError` for data that are damaged. */
export const decodeHere = (name: Compression, data: Uint8Array, most: number, room: Room): Promise<Uint8Array> =>
  name === 'blosc' ? decodeBlosc(data, most, room) : decodeWith(name, data, most, room);
