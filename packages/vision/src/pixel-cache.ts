// Keeps the pixels that were decoded last: in memory, and beyond that in a file.

import type { Raster } from '@deepearth/core';
import { roomFor } from './cache-room.ts';
import { sizeOf, spillFile } from './spill-file.ts';

/** Pixels by key; all calls may overlap. What is set under a key has to be the same every time. */
export interface PixelCache {
  /** The pixels that were set under the key, `undefined` where they were never or are no longer kept. */
  get(key: string): Promise<Raster | undefined>;
  /** Waits for the disk where memory is full, so that whoever sets pixels is no quicker than the disk. */
  set(key: string, raster: Raster): Promise<void>;
  /** Whether `get` would find it. */
  has(key: string): boolean;
  /** Waits for what is being written, forgets everything and removes the file; later calls find and keep nothing. */
  close(): Promise<void>;
}

/** How much a cache keeps, and where. */
export interface PixelCacheOptions {
  /** Bytes of decoded pixels in memory. Default: as many as `roomFor` the largest of them. */
  readonly memoryBytes?: number | undefined;
  /** Bytes of decoded pixels in the file. */
  readonly diskBytes: number;
  /** Where the file goes; asked for when it is needed. */
  path(): Promise<string>;
}

/**
 * What was used longest ago leaves memory for the file; what was written there longest ago is dropped. A picture larger
 * than `memoryBytes` goes to the file at once, one larger than both is not kept. On a full disk less is kept.
 */
export function pixelCache({ memoryBytes, diskBytes, path }: PixelCacheOptions): PixelCache {
  /** Used longest ago first; never more than `room`. */
  const recent = new Map<string, Raster>();
  const spilled = spillFile(diskBytes, path);
  let held = 0;
  let room = memoryBytes ?? 0;
  let closing: Promise<void> | undefined;
  // Pictures come in one after another: none twice, and what makes room is in memory until it is in the file.
  let last: Promise<unknown> = Promise.resolve();

  const has = (key: string): boolean => !closing && (recent.has(key) || spilled.has(key));

  async function admit(key: string, raster: Raster): Promise<void> {
    if (closing || has(key)) return;
    const size = sizeOf(raster);
    if (memoryBytes === undefined) room = Math.max(room, roomFor(size));
    if (size > room) return spilled.write(key, raster);
    while (held + size > room) {
      const [oldest, old] = recent.entries().next().value!;
      await spilled.write(oldest, old);
      if (closing) return;
      recent.delete(oldest);
      held -= sizeOf(old);
    }
    recent.set(key, raster);
    held += size;
  }

  return {
    has,
    async get(key) {
      if (closing) return undefined;
      const raster = recent.get(key);
      if (!raster) return spilled.read(key);
      recent.delete(key);
      recent.set(key, raster);
      return raster;
    },
    set(key, raster) {
      const turn = last.then(() => admit(key, raster));
      last = turn.catch(() => undefined);
      return turn;
    },
    close() {
      closing ??= last.then(() => spilled.close());
      recent.clear();
      return closing;
    },
  };
}
