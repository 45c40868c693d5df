// Writes a file so that it is never visible half-written: beside its name, flushed, then renamed (Node only).

import { createHash } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { makeFolder, refuseSpecial } from '@deepearth/core/regular-file';
import type { TensorValues } from './lazy-tensor.ts';

/** What was written. */
export interface WrittenFile {
  readonly path: string;
  readonly bytes: number;
  /** Hex digest of the whole file. */
  readonly sha256: string;
}

let count = 0;

/**
 * Writes chunks to `path`; on any error, or when `signal` aborts, nothing is left and what was there before stays.
 * Throws an `InputError` where a pipe, a socket or a device is there: it would be replaced.
 */
export async function writeFileWhole(path: string, chunks: TensorValues, signal?: AbortSignal): Promise<WrittenFile> {
  await makeFolder(dirname(path));
  await refuseSpecial(path);
  const beside = join(dirname(path), `.${basename(path)}.${process.pid}-${count++}.partial`);
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    const handle = await open(beside, 'wx');
    try {
      for await (const chunk of chunks) {
        signal?.throwIfAborted();
        hash.update(chunk);
        for (let done = 0; done < chunk.byteLength;)
          done += (await handle.write(chunk, done, Math.min(chunk.byteLength - done, 1 << 30))).bytesWritten;
        bytes += chunk.byteLength;
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
  return { path, bytes, sha256: hash.digest('hex') };
}
