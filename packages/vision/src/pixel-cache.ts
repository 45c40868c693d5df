// Keeps the pixels that were decoded last: in memory, and beyond that in a file, so that no frame is decoded again for
// every stage that reads it.

import { open, type FileHandle } from 'node:fs/promises';
import { bytesOf, partOfRaster, tensor, viewAs, type Raster, type ReadOptions } from '@deepearth/core';

/** Pixels by key. Both calls wait for the disk where they need it. */
export interface PixelCache {
  get(key: string): Promise<Raster | undefined>;
  set(key: string, raster: Raster): Promise<void>;
  /** Whether `get` would find it. */
  has(key: string): boolean;
  close(): Promise<void>;
}

/** How much a cache keeps, and where. */
export interface PixelCacheOptions {
  /** Bytes of decoded pixels in memory. */
  readonly memoryBytes: number;
  /** Bytes of decoded pixels in the file. */
  readonly diskBytes: number;
  /** Where the file goes; asked for when it is needed. */
  path(): Promise<string>;
}

const sizeOf = ({ values, valid }: Raster): number => values.data.byteLength + (valid?.byteLength ?? 0);

/** What lies in the file, without the pixels. */
interface Kept {
  readonly slot: number;
  readonly size: number;
  readonly shape: readonly number[];
  readonly dtype: Raster['values']['dtype'];
  readonly channels: Raster['channels'];
  readonly masked: boolean;
}

/**
 * Drops what was used longest ago. What leaves memory goes to the file, in slots of the size of the first picture that
 * did; a picture larger than a slot, or than all of `memoryBytes` and a slot, is decoded again when it is wanted again.
 */
export function pixelCache({ memoryBytes, diskBytes, path }: PixelCacheOptions): PixelCache {
  const recent = new Map<string, Raster>();
  const stored = new Map<string, Kept>();
  /** Pictures on their way into the file. */
  const leaving = new Map<string, Raster>();
  let held = 0;
  let slotBytes = 0;
  let slots = 0;
  const free: number[] = [];
  let file: Promise<FileHandle> | undefined;
  let closed = false;

  async function store(key: string, raster: Raster): Promise<void> {
    const size = sizeOf(raster);
    if (stored.has(key)) return;
    if (slotBytes === 0 && size <= diskBytes) {
      slotBytes = size;
      slots = Math.floor(diskBytes / size);
      for (let slot = slots - 1; slot >= 0; slot--) free.push(slot);
    }
    if (size > slotBytes) return;
    let slot = free.pop();
    if (slot === undefined) {
      const [oldest, entry] = stored.entries().next().value!;
      stored.delete(oldest);
      slot = entry.slot;
    }
    leaving.set(key, raster);
    try {
      const handle = await (file ??= path().then((name) => open(name, 'w+')));
      const at = slot * slotBytes;
      await write(handle, bytesOf(raster.values), at);
      if (raster.valid) await write(handle, raster.valid, at + raster.values.data.byteLength);
      const { values, channels, valid } = raster;
      stored.set(key, { slot, size, shape: values.shape, dtype: values.dtype, channels, masked: valid !== undefined });
    } catch (error) {
      free.push(slot);
      // A full disk costs time only: the frame is decoded again.
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    } finally {
      leaving.delete(key);
    }
  }

  async function fetch(key: string, entry: Kept): Promise<Raster | undefined> {
    const bytes = new Uint8Array(entry.size);
    const handle = await file!;
    for (let at = 0; at < entry.size;) {
      const { bytesRead } = await handle.read(bytes, at, entry.size - at, entry.slot * slotBytes + at);
      if (bytesRead === 0) return undefined;
      at += bytesRead;
    }
    // The slot was given to another picture while it was being read.
    if (stored.get(key) !== entry) return undefined;
    stored.delete(key);
    stored.set(key, entry);
    const pixels = entry.shape.reduce((n, size) => n * size, 1);
    const width = bytes.byteLength - (entry.masked ? entry.shape[0]! * entry.shape[1]! : 0);
    const data = viewAs(entry.dtype, bytes.subarray(0, width));
    if (data.length !== pixels) return undefined;
    return {
      values: tensor(entry.dtype, entry.shape, data) as Raster['values'],
      channels: entry.channels,
      ...(entry.masked && { valid: bytes.subarray(width) }),
    };
  }

  return {
    has: (key) => recent.has(key) || leaving.has(key) || stored.has(key),
    async get(key) {
      const raster = recent.get(key) ?? leaving.get(key);
      if (recent.has(key)) {
        recent.delete(key);
        recent.set(key, raster!);
      }
      if (raster) return raster;
      const entry = stored.get(key);
      return entry && fetch(key, entry);
    },
    async set(key, raster) {
      if (closed || recent.has(key)) return;
      const size = sizeOf(raster);
      if (size > memoryBytes) return store(key, raster);
      recent.set(key, raster);
      held += size;
      const gone: [string, Raster][] = [];
      for (const [oldest, old] of recent) {
        if (held <= memoryBytes) break;
        recent.delete(oldest);
        held -= sizeOf(old);
        gone.push([oldest, old]);
      }
      for (const [oldest, old] of gone) await store(oldest, old);
    },
    async close() {
      closed = true;
      recent.clear();
      stored.clear();
      await (await file)?.close();
    },
  };
}

async function write(handle: FileHandle, bytes: Uint8Array, at: number): Promise<void> {
  for (let done = 0; done < bytes.byteLength;)
    done += (await handle.write(bytes, done, bytes.byteLength - done, at + done)).bytesWritten;
}

/**
 * Reads a frame through a cache: what is kept is cropped, a whole frame that `load` reads is kept, and two that want the
 * same whole frame at once read it once. A part that is not kept is read by itself and not kept for other readers.
 */
export function readThrough(
  cache: PixelCache,
  load: (key: string, options: ReadOptions) => Promise<Raster>,
): (key: string, options?: ReadOptions) => Promise<Raster> {
  const loading = new Map<string, Promise<Raster>>();
  return async (key, options = {}) => {
    const { signal, ...part } = options;
    signal?.throwIfAborted();
    const kept = await (loading.get(key) ?? cache.get(key));
    if (kept) return partOfRaster(kept, part);
    if (part.window || (part.overview ?? 1) !== 1) return load(key, options);
    const again = loading.get(key);
    if (again) return again;
    const reading = (async () => {
      const raster = await load(key, signal ? { signal } : {});
      await cache.set(key, raster);
      return raster;
    })().finally(() => loading.delete(key));
    loading.set(key, reading);
    return reading;
  };
}
