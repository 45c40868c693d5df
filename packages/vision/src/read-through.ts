// Reads frames through a pixel cache, so that no frame is decoded again for every stage that reads it.

import {
  holdRaster,
  partOfRaster,
  releaseRaster,
  type PartOptions,
  type Raster,
  type ReadOptions,
} from '@deepearth/core';
import type { PixelCache } from './pixel-cache.ts';

/**
 * Reads what is wanted of the frame with this key; `load` reads from its file what is not kept. What is returned is
 * held for the caller, who may release it (`releaseRaster`).
 */
export type ReadThrough = (
  key: string,
  load: (options: ReadOptions) => Promise<Raster>,
  options?: ReadOptions,
) => Promise<Raster>;

/**
 * What is kept is cropped, a whole frame that is loaded is kept, and those who want the same whole frame at once load
 * it once. A part that is not kept is loaded by itself and stands for nobody else's reading.
 */
export function readThrough(cache: PixelCache): ReadThrough {
  const reading = new Map<string, Reading>();

  async function find(key: string, load: () => Promise<Raster>): Promise<Raster> {
    const kept = await cache.get(key);
    if (kept) return kept;
    const raster = await load();
    holdRaster(raster);
    await cache.set(key, raster);
    return raster;
  }

  /** Starts a reading for all who ask before it ends, and holds what comes for each of them. */
  function start(key: string, load: () => Promise<Raster>, signal: AbortSignal | undefined): Reading {
    const whole = async (): Promise<Raster> => {
      try {
        const raster = await find(key, load);
        holdRaster(raster, begun.readers - 1);
        return raster;
      } finally {
        reading.delete(key);
      }
    };
    const begun: Reading = { signal, readers: 0, raster: whole() };
    reading.set(key, begun);
    return begun;
  }

  return async function read(key, load, options = {}): Promise<Raster> {
    const { signal, ...part } = options;
    signal?.throwIfAborted();
    const whole = !part.window && (part.overview ?? 1) === 1;
    const other = reading.get(key);
    if (other) {
      try {
        return partOf(await joined(other), part);
      } catch (error) {
        // Whoever began may have given up; that is no reason for others to.
        if (!other.signal?.aborted) throw error;
        return await read(key, load, options);
      }
    }
    if (!whole) {
      const kept = await cache.get(key);
      return kept ? partOf(kept, part) : load(options);
    }
    return joined(start(key, () => load(signal ? { signal } : {}), signal));
  };
}

/** A whole frame that is being read. */
interface Reading {
  readonly raster: Promise<Raster>;
  readonly signal: AbortSignal | undefined;
  /** How many wait for it. */
  readers: number;
}

function joined(reading: Reading): Promise<Raster> {
  reading.readers++;
  return reading.raster;
}

/** A part of a raster that was held for its reader: of what is a copy the raster itself is released. */
export function partOf(raster: Raster, part: PartOptions): Raster {
  const wanted = partOfRaster(raster, part);
  if (wanted !== raster) releaseRaster(raster);
  return wanted;
}
