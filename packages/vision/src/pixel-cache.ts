// Keeps the pixels that were decoded last, up to a number of bytes.

import type { Raster } from '@deepearth/core';

export interface PixelCache {
  get(key: string): Raster | undefined;
  set(key: string, raster: Raster): void;
}

/** Drops what was used longest ago; a picture larger than `maxBytes` is not kept at all. */
export function pixelCache(maxBytes: number): PixelCache {
  const kept = new Map<string, Raster>();
  let held = 0;
  const bytesOf = ({ values, valid }: Raster): number => values.data.byteLength + (valid?.byteLength ?? 0);
  return {
    get(key) {
      const raster = kept.get(key);
      if (raster) {
        kept.delete(key);
        kept.set(key, raster);
      }
      return raster;
    },
    set(key, raster) {
      if (kept.has(key) || bytesOf(raster) > maxBytes) return;
      kept.set(key, raster);
      held += bytesOf(raster);
      for (const [oldest, old] of kept) {
        if (held <= maxBytes) break;
        kept.delete(oldest);
        held -= bytesOf(old);
      }
    },
  };
}
