// Keeps the pixels that were decoded last: in memory, and beyond that in a file.

import { holdRaster, releaseRaster, type Raster } from '@deepearth/core';
import { cacheBytesFor } from './cache-options.ts';
import { sizeOf, spillFile } from './spill-file.ts';

/** Pixels by key; all calls may overlap. What is set under a key has to be the same every time. */
export interface PixelCache {
  /**
   * The pixels that were set under the key, held for the caller (`holdRaster`); `undefined` where they were never or
   * are no longer kept.
   */
  get(key: string): Promise<Raster | undefined>;
  /**
   * Waits for the disk where memory is full, so that whoever sets pixels is no quicker than the disk. What is in memory
   * is held.
   */
  set(key: string, raster: Raster): Promise<void>;
  /** Whether `get` would find it. */
  has(key: string): boolean;
  /** Waits for what is being written, forgets everything and removes the file; later calls find and keep nothing. */
  close(): Promise<void>;
}

/** How much a cache keeps, and where. */
export interface PixelCacheOptions {
  /** Bytes of decoded pixels in memory; where nobody says how many, `cacheBytesFor` the largest picture so far. */
  readonly memoryBytes: number | undefined;
  /** Bytes of decoded pixels in the file. */
  readonly diskBytes: number;
  /**
   * False where pictures are read soon or not at all (see `StageContext.readLater`): none goes to the file before one
   * is asked for that has left memory. Default: true.
   */
  readonly readLater?: boolean;
  /** Where the file goes; asked for when it is needed. */
  path(): Promise<string>;
}

/** A picture that is asked for after more than so many others have been dropped is not known any more. */
const mostDropped = 4096;

/**
 * What was used longest ago leaves memory for the file; what was written there longest ago is dropped. A picture larger
 * than what memory may hold goes to the file at once, one larger than both is not kept. On a full disk less is kept.
 */
export function pixelCache({ memoryBytes, diskBytes, readLater = true, path }: PixelCacheOptions): PixelCache {
  /** Used longest ago first; never more than `mostHeld`. */
  const recent = new Map<string, Raster>();
  const spilled = spillFile(diskBytes, path);
  let mostHeld = cacheBytesFor(memoryBytes, 0);
  let held = 0;
  let spills = readLater;
  /** Keys of what has left memory and is nowhere, the latest of them. */
  const dropped = new Set<string>();
  let closing: Promise<void> | undefined;
  // Pictures come in one after another: none twice, and what makes room is in memory until it is in the file.
  let last: Promise<unknown> = Promise.resolve();

  const has = (key: string): boolean => !closing && (recent.has(key) || spilled.has(key));

  function drop(key: string): void {
    dropped.add(key);
    if (dropped.size > mostDropped) dropped.delete(dropped.values().next().value!);
  }

  async function admit(key: string, raster: Raster): Promise<void> {
    if (closing || has(key)) return;
    const size = sizeOf(raster);
    mostHeld = Math.max(mostHeld, cacheBytesFor(memoryBytes, size));
    if (size > mostHeld) return spilled.write(key, raster);
    while (held + size > mostHeld) {
      const [oldest, old] = recent.entries().next().value!;
      if (spills) await spilled.write(oldest, old);
      else drop(oldest);
      if (closing) return;
      recent.delete(oldest);
      held -= sizeOf(old);
      releaseRaster(old);
    }
    holdRaster(raster);
    recent.set(key, raster);
    held += size;
  }

  return {
    has,
    async get(key) {
      if (closing) return undefined;
      const raster = recent.get(key);
      if (!raster) {
        // They are read later than memory lasts.
        spills ||= dropped.delete(key);
        const read = await spilled.read(key);
        if (read) holdRaster(read);
        return read;
      }
      recent.delete(key);
      recent.set(key, raster);
      holdRaster(raster);
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
