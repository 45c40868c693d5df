// Reads frames through a pixel cache, so that no frame is decoded again for every stage that reads it.

import { partOfRaster, type Raster, type ReadOptions } from '@deepearth/core';
import type { PixelCache } from './pixel-cache.ts';

/** Reads what is wanted of the frame with this key; `load` reads from its file what is not kept. */
export type ReadThrough = (
  key: string,
  load: (options: ReadOptions) => Promise<Raster>,
  options?: ReadOptions,
) => Promise<Raster>;

/**
 * What is kept is cropped, a whole frame that is loaded is kept, and those who want the same whole frame at once load it
 * once. A part that is not kept is loaded by itself and stands for nobody else's reading.
 */
export function readThrough(cache: PixelCache): ReadThrough {
  const reading = new Map<string, { readonly raster: Promise<Raster>; readonly signal: AbortSignal | undefined }>();

  async function find(key: string, load: () => Promise<Raster>): Promise<Raster> {
    const kept = await cache.get(key);
    if (kept) return kept;
    const raster = await load();
    await cache.set(key, raster);
    return raster;
  }

  return async function read(key, load, options = {}): Promise<Raster> {
    const { signal, ...part } = options;
    signal?.throwIfAborted();
    const whole = !part.window && (part.overview ?? 1) === 1;
    const other = reading.get(key);
    if (other) {
      try {
        return partOfRaster(await other.raster, part);
      } catch (error) {
        // Whoever began may have given up; that is no reason for others to.
        if (!other.signal?.aborted) throw error;
        return await read(key, load, options);
      }
    }
    if (!whole) {
      const kept = await cache.get(key);
      return kept ? partOfRaster(kept, part) : load(options);
    }
    const raster = find(key, () => load(signal ? { signal } : {})).finally(() => reading.delete(key));
    reading.set(key, { raster, signal });
    return raster;
  };
}
