// The folder where things that are costly to make are kept, and digests of large files that need not be read twice.

import { createHash } from 'node:crypto';
import { open, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { InputError } from '@deepearth/core/errors';
import { makeFolder, openRegularFile, readTextFile } from '@deepearth/core/regular-file';
import { lineage } from '@deepearth/core/lineage';
import { removeLeftovers, temporaryFor } from './cache-leftovers.ts';

/** `DEEPEARTH_CACHE`, or `deepearth` in `XDG_CACHE_HOME`, or `~/.cache/deepearth`. */
export function cacheFolder(): string {
  const { DEEPEARTH_CACHE: own, XDG_CACHE_HOME: base } = process.env;
  return resolve(own || join(base || join(homedir(), '.cache'), 'deepearth'));
}

/** Makes a file whole or not at all: `write` fills a temporary file beside it, which is synced and renamed. */
export async function writeAtomically(path: string, write: (temporary: string) => Promise<void>): Promise<void> {
  await makeFolder(dirname(path));
  const { path: temporary, release } = temporaryFor(path);
  try {
    await write(temporary);
    const handle = await open(temporary, 'r+');
    await handle.sync().finally(() => handle.close());
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  } finally {
    release();
  }
}

/**
 * Runs what fills the cache; a folder that cannot be written to, or a full disk, becomes an `InputError` that says what
 * to set.
 */
export async function fillingCache<T>(fill: () => Promise<T>): Promise<T> {
  try {
    return await fill();
  } catch (cause) {
    const reasons: Readonly<Record<string, string>> = {
      EACCES: 'cannot be written to',
      EPERM: 'cannot be written to',
      EROFS: 'is read-only',
      ENOTDIR: 'is no folder',
      ENOSPC: 'is on a disk that is full',
      EDQUOT: 'is on a disk that is full',
    };
    const reason = reasons[(cause as NodeJS.ErrnoException | undefined)?.code ?? ''];
    if (!reason) throw cause;
    throw new InputError(cacheFolder(), `the cache ${reason}.`, {
      code: 'E_CACHE',
      cause,
      remedy: 'Set DEEPEARTH_CACHE to a folder with room that you may write to.',
    });
  }
}

/** By what a file is known not to have changed. */
interface Stamp {
  readonly path: string;
  readonly bytes: number;
  /**
   * Nanoseconds, as text. A program that sets the time of a file changes this one, which nobody can set; a file that
   * was put in another's place has another number.
   */
  readonly changed: string;
  readonly modified: string;
  readonly inode: string;
}

/** File systems count time in steps, 2 s at most: what changed within one looks like what it was. */
const coarsestStepNanoseconds = 2_000_000_000n;

async function stampOf(path: string): Promise<Stamp> {
  const found = await stat(path, { bigint: true });
  return {
    path: resolve(path),
    bytes: Number(found.size),
    changed: String(found.ctimeNs),
    modified: String(found.mtimeNs),
    inode: `${found.dev}:${found.ino}`,
  };
}

const sameStamp = (a: Stamp, b: Stamp): boolean =>
  a.bytes === b.bytes && a.changed === b.changed && a.modified === b.modified && a.inode === b.inode;

/**
 * SHA-256 of a file and its size. The digest is remembered in the cache folder until anything about the file changes,
 * so that a checkpoint of 4 GB is not read at every start; a cache that cannot be written costs time only. Throws an
 * `InputError` where the file is changed while it is read.
 */
export async function rememberedDigest(path: string, signal?: AbortSignal): Promise<{ bytes: number; sha256: string }> {
  const stamp = await stampOf(path);
  const note = join(cacheFolder(), 'digests', `${lineage(stamp.path)}.json`);
  const known = await readTextFile(note)
    .then((text) => JSON.parse(text) as Stamp & { sha256: string })
    .catch(() => undefined);
  if (known && sameStamp(known, stamp) && /^[0-9a-f]{64}$/.test(known.sha256))
    return { bytes: stamp.bytes, sha256: known.sha256 };
  const hash = createHash('sha256');
  const file = await openRegularFile(path);
  for await (const piece of file.createReadStream({ highWaterMark: 1 << 22, signal })) hash.update(piece as Buffer);
  const sha256 = hash.digest('hex');
  if (!sameStamp(await stampOf(path), stamp))
    throw new InputError(path, 'was changed while it was read.', {
      code: 'E_INPUT_CHANGED',
      remedy: 'Run again when nothing writes there.',
    });
  if (BigInt(Date.now()) * 1_000_000n - BigInt(stamp.changed) > coarsestStepNanoseconds)
    await writeAtomically(note, (temporary) => writeFile(temporary, JSON.stringify({ ...stamp, sha256 }))).catch(
      () => undefined,
    );
  return { bytes: stamp.bytes, sha256 };
}

let cleaned: Promise<void> | undefined;

/** Removes what killed processes left half-written in the cache; looked for once in the life of a process. */
export const cleanCache = (): Promise<void> =>
  (cleaned ??= (async () => {
    for (const folder of ['weights', 'digests', 'builtin']) await removeLeftovers(join(cacheFolder(), folder));
  })());
