// Keeps what was decoded last, up to a number of bytes.

import type { ChunkCache } from './read-chunk.ts';

/** What was used longest ago is dropped first; what is larger than the cache is not kept. */
export function chunkCache(mostBytes: number): ChunkCache {
  const kept = new Map<string, { readonly value: unknown; readonly bytes: number }>();
  let held = 0;
  return {
    get<T>(key: string): T | undefined {
      const found = kept.get(key);
      if (!found) return undefined;
      kept.delete(key);
      kept.set(key, found);
      return found.value as T;
    },
    set(key, value, bytes) {
      const former = kept.get(key);
      if (former) held -= former.bytes;
      kept.delete(key);
      if (bytes > mostBytes) return;
      kept.set(key, { value, bytes });
      held += bytes;
      for (const [oldest, old] of kept) {
        if (held <= mostBytes) return;
        kept.delete(oldest);
        held -= old.bytes;
      }
    },
  };
}
