// The folder where things that are costly to make are kept, and digests of large files that need not be read twice.

import { createHash } from 'node:crypto';
import { open, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { InputError } from '@deepearth/core/errors';
import { makeFolder, openRegularFile, readTextFile } from '@deepearth/core/regular-file';
import { lineage } from '@deepearth/core/lineage';

/** `DEEPEARTH_CACHE`, or `deepearth` in `XDG_CACHE_HOME`, or `~/.cache/deepearth`. */
export function cacheFolder(): string {
  const { DEEPEARTH_CACHE: own, XDG_CACHE_HOME: base } = process.env;
  return resolve(own || join(base || join(homedir(), '.cache'), 'deepearth'));
}

/** Makes a file whole or not at all: `write` fills a temporary file beside it, which is synced and renamed. */
export async function writeAtomically(path: string, write: (temporary: string) => Promise<void>): Promise<void> {
  await makeFolder(dirname(path));
  const temporary = `${path}.${process.pid}.${lineage(path, performance.now()).slice(0, 8)}.part`;
  try {
    await write(temporary);
    const handle = await open(temporary, 'r+');
    await handle.sync().finally(() => handle.close());
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
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

/** What a file's digest depends on without reading it. */
interface Stamp {
  readonly path: string;
  readonly bytes: number;
  readonly modified: number;
  readonly inode: number;
}

/**
 * SHA-256 of a file and its size. The digest is remembered in the cache folder until the file's size, time or number
 * changes, so that a checkpoint of 4 GB is not read at every start; a cache that cannot be written costs time only.
 */
export async function rememberedDigest(path: string, signal?: AbortSignal): Promise<{ bytes: number; sha256: string }> {
  const found = await stat(path);
  const stamp: Stamp = { path: resolve(path), bytes: found.size, modified: found.mtimeMs, inode: found.ino };
  const note = join(cacheFolder(), 'digests', `${lineage(stamp.path)}.json`);
  const known = await readTextFile(note)
    .then((text) => JSON.parse(text) as Stamp & { sha256: string })
    .catch(() => undefined);
  if (
    known &&
    known.bytes === stamp.bytes &&
    known.modified === stamp.modified &&
    known.inode === stamp.inode &&
    /^[0-9a-f]{64}$/.test(known.sha256)
  )
    return { bytes: stamp.bytes, sha256: known.sha256 };
  const hash = createHash('sha256');
  const file = await openRegularFile(path);
  for await (const piece of file.createReadStream({ highWaterMark: 1 << 22, signal })) hash.update(piece as Buffer);
  const sha256 = hash.digest('hex');
  await writeAtomically(note, (temporary) => writeFile(temporary, JSON.stringify({ ...stamp, sha256 }))).catch(
    () => undefined,
  );
  return { bytes: stamp.bytes, sha256 };
}
