// Keeps rasters in a file of bounded size; the oldest make room for new ones.

import { open, rm, type FileHandle } from 'node:fs/promises';
import { bytesOf, lendRaster, tensor, viewAs, type Raster } from '@deepearth/core';
import { giveBack, spareMemory } from './spare-memory.ts';

/** Rasters by key. `write` is called for one raster at a time; everything else may be called at any time. */
export interface SpillFile {
  has(key: string): boolean;
  /** `undefined` where there is none (any more), also when it is overwritten or the file is closed meanwhile. */
  read(key: string): Promise<Raster | undefined>;
  /** Keeps nothing where the file or the disk has no room. */
  write(key: string, raster: Raster): Promise<void>;
  /** Removes the file. */
  close(): Promise<void>;
}

/** Bytes of a raster's values and mask. */
export const sizeOf = ({ values, valid }: Raster): number => values.data.byteLength + (valid?.byteLength ?? 0);

/** Where a raster lies in the file, and what it is without its pixels. */
interface Entry {
  readonly at: number;
  readonly size: number;
  readonly shape: readonly number[];
  readonly dtype: Raster['values']['dtype'];
  readonly channels: Raster['channels'];
  readonly masked: boolean;
}

/**
 * Holds at most `bytes`. Rasters are written one behind the other and, at the end, from the start again over the
 * oldest, so they may be of any sizes. `path` is asked for when there is something to write.
 */
export function spillFile(bytes: number, path: () => Promise<string>): SpillFile {
  /**
   * Oldest first, which is the order in which they are overwritten: first those behind `head`, then those before it.
   */
  const entries = new Map<string, Entry>();
  let capacity = bytes;
  let head = 0;
  let file: { readonly name: string; readonly handle: FileHandle } | undefined;

  /** Forgets the oldest as long as they begin between two places. */
  function forget(from: number, to: number): void {
    for (const [key, { at }] of entries) {
      if (at < from || at >= to) return;
      entries.delete(key);
    }
  }

  async function put(at: number, { values, valid }: Raster): Promise<void> {
    if (!file) {
      const name = await path();
      file = { name, handle: await open(name, 'w+') };
    }
    await writeAt(file.handle, bytesOf(values), at);
    if (valid) await writeAt(file.handle, valid, at + values.data.byteLength);
  }

  return {
    has: (key) => entries.has(key),
    async read(key) {
      const entry = entries.get(key);
      if (!entry) return undefined;
      const memory = spareMemory(entry.size);
      const read = new Uint8Array(memory);
      const whole = await readAt(file!.handle, read, entry.at).catch((error: unknown) => {
        if (entries.get(key) === entry) throw error;
        return false;
      });
      // Another raster may have been written over it meanwhile.
      if (whole && entries.get(key) === entry) return lendRaster(rasterOf(entry, read), () => giveBack(memory));
      giveBack(memory);
      return undefined;
    },
    async write(key, raster) {
      const size = sizeOf(raster);
      if (size > capacity) return;
      if (head + size > capacity) {
        forget(head, Infinity);
        head = 0;
      }
      const at = head;
      forget(at, at + size);
      try {
        await put(at, raster);
      } catch (error) {
        if (!isFull(error)) throw error;
        // What has been written so far is all that the disk has room for.
        forget(at, Infinity);
        capacity = at;
        return;
      }
      head = at + size;
      const { values, channels, valid } = raster;
      entries.set(key, { at, size, shape: values.shape, dtype: values.dtype, channels, masked: valid !== undefined });
    },
    async close() {
      entries.clear();
      capacity = 0;
      const closing = file;
      file = undefined;
      if (!closing) return;
      await closing.handle.close().finally(() => rm(closing.name, { force: true }));
    },
  };
}

/** No room on the disk, as the system says it and as a run store does. */
const isFull = (error: unknown): boolean =>
  ['ENOSPC', 'EDQUOT', 'E_DISK_FULL'].includes((error as NodeJS.ErrnoException).code ?? '');

function rasterOf({ dtype, shape, channels, masked }: Entry, bytes: Uint8Array): Raster {
  const maskAt = bytes.length - (masked ? shape[0]! * shape[1]! : 0);
  return {
    values: tensor(dtype, shape, viewAs(dtype, bytes.subarray(0, maskAt))) as Raster['values'],
    channels,
    ...(masked && { valid: bytes.subarray(maskAt) }),
  };
}

async function writeAt(handle: FileHandle, bytes: Uint8Array, at: number): Promise<void> {
  for (let done = 0; done < bytes.length;)
    done += (await handle.write(bytes, done, bytes.length - done, at + done)).bytesWritten;
}

/** Whether there were as many bytes as were wanted. */
async function readAt(handle: FileHandle, bytes: Uint8Array, at: number): Promise<boolean> {
  for (let done = 0; done < bytes.length;) {
    const { bytesRead } = await handle.read(bytes, done, bytes.length - done, at + done);
    if (bytesRead === 0) return false;
    done += bytesRead;
  }
  return true;
}
