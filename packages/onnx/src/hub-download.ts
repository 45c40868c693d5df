// Downloads one file of a repository into the cache: resumed where it broke off, checked against its digest, never half
// there under its name.

import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { InputError } from '@deepearth/core/errors';
import { retried } from '@deepearth/core/on-error';
import { isFile } from './hub-cache.ts';
import { pauseBeforeNext } from './hub-patience.ts';

/** A file as the Hub lists it. */
export interface HubFile {
  readonly path: string;
  readonly bytes: number;
  /** SHA-256 of a large file, git's SHA-1 of a small one; also its name in `blobs`. */
  readonly digest: string;
  readonly algorithm: 'sha256' | 'git';
}

export interface DownloadOptions {
  /** The whole file is taken from this address. */
  readonly url: string;
  /** Asks the network; throws an `InputError` for replies that no repetition changes. */
  readonly fetch: typeof fetch;
  /** The finished file; `.incomplete` beside it is what has come so far. */
  readonly target: string;
  /** Waits between attempts, in milliseconds; after the last one the download has failed. */
  readonly pauses: readonly number[];
  readonly signal?: AbortSignal | undefined;
  /** Bytes of this file that are there. */
  readonly progress?: ((done: number) => void) | undefined;
}

class RangeIgnored extends Error {}
class WrongDigest extends Error {}

/** Git hashes a file with its length in front. */
const hasher = ({ algorithm, bytes }: HubFile): Hash =>
  algorithm === 'sha256' ? createHash('sha256') : createHash('sha1').update(`blob ${bytes}\0`);

/**
 * Downloads a file. Throws an `InputError` naming it when its bytes do not match its digest twice, or when the
 * connection keeps breaking.
 */
export async function download(file: HubFile, options: DownloadOptions): Promise<void> {
  const { target, pauses, signal } = options;
  const incomplete = `${target}.incomplete`;
  await mkdir(dirname(target), { recursive: true });
  let wrong = 0;
  let before = 0;
  /** Tries in a row that brought nothing. */
  let vain = 0;
  const attempt = async (): Promise<void> => {
    signal?.throwIfAborted();
    before = await sizeOf(incomplete);
    await continueDownload(file, incomplete, options);
    await rename(incomplete, target);
  };
  const pause = async (error: unknown): Promise<number | undefined> => {
    signal?.throwIfAborted();
    if (isFull(error)) throw diskFull(file, target, error);
    if (error instanceof InputError) return undefined;
    if (error instanceof RangeIgnored || error instanceof WrongDigest) await rm(incomplete, { force: true });
    if (error instanceof WrongDigest && ++wrong === 2)
      throw new InputError(file.path, `${error.message}.`, {
        code: 'E_DIGEST',
        remedy: 'A proxy or mirror may alter files; nothing was kept.',
        cause: error,
      });
    const got = await sizeOf(incomplete);
    // What moves on may go on for as long as it does.
    if (!(error instanceof RangeIgnored) && got > before) vain = 0;
    const next = pauseBeforeNext(error, ++vain, { pauses, signal });
    if (next !== undefined) return next;
    throw new InputError(file.path, `the download broke off at ${got} of ${file.bytes} bytes: ${reason(error)}.`, {
      code: 'E_DOWNLOAD',
      remedy: 'Run the same command again: it goes on from there.',
      cause: error,
    });
  };
  await retried(attempt, { pause, signal });
}

async function continueDownload(
  file: HubFile,
  incomplete: string,
  { url, fetch: ask, progress, signal }: DownloadOptions,
): Promise<void> {
  const hash = hasher(file);
  let done = await sizeOf(incomplete);
  if (done > file.bytes) {
    await rm(incomplete);
    done = 0;
  }
  if (done) for await (const chunk of createReadStream(incomplete)) hash.update(chunk as Buffer);
  progress?.(done);
  const handle = await open(incomplete, 'a');
  try {
    if (done < file.bytes) {
      const from = done;
      for await (const chunk of bytesFrom(file, url, from, ask, signal)) {
        done += chunk.byteLength;
        if (done > file.bytes) throw new WrongDigest(`the server sent more than its ${file.bytes} bytes`);
        hash.update(chunk);
        await handle.write(chunk);
        progress?.(done);
      }
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
  if (done < file.bytes) throw new Error('the connection was closed early');
  const got = hash.digest('hex');
  if (got !== file.digest) throw new WrongDigest(`its digest is ${got}, the Hub lists ${file.digest}`);
}

/** The bytes of a file from an offset on, through the Hub's client. */
async function* bytesFrom(
  file: HubFile,
  url: string,
  from: number,
  ask: typeof fetch,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const { downloadFile } = await import('@huggingface/hub');
  // The client reports what goes wrong in its stream as text: the error itself is kept here.
  let failure: unknown;
  const watched: typeof fetch = async (input, init) => {
    try {
      const response = await ask(input, init);
      if (from > 0 && response.status !== 206) {
        await response.body?.cancel();
        throw new RangeIgnored('the server does not send parts of files');
      }
      return response;
    } catch (error) {
      failure = error;
      throw error;
    }
  };
  const repo = { type: 'model', name: file.path } as const;
  const blob = await downloadFile({
    repo,
    path: file.path,
    fetch: watched,
    xet: false,
    downloadInfo: { url, size: file.bytes, etag: file.digest },
  });
  const reader = (from ? blob!.slice(from) : blob!).stream().getReader();
  try {
    for (;;) {
      signal?.throwIfAborted();
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } catch (error) {
    throw failure ?? error;
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/** Reads a finished file again. Throws an `InputError` when it is not what its name says. */
export async function verify(file: HubFile, path: string, signal?: AbortSignal): Promise<void> {
  const hash = hasher(file);
  for await (const chunk of createReadStream(path, signal ? { signal } : {})) hash.update(chunk as Buffer);
  const got = hash.digest('hex');
  if (got !== file.digest)
    throw new InputError(path, `its digest is ${got}, it should be ${file.digest}.`, {
      code: 'E_DIGEST',
      remedy: 'Delete it and fetch it again.',
    });
}

const sizeOf = async (path: string): Promise<number> => ((await isFile(path)) ? (await stat(path)).size : 0);
const isFull = (error: unknown): boolean => (error as NodeJS.ErrnoException | undefined)?.code === 'ENOSPC';
const diskFull = (file: HubFile, target: string, cause: unknown): InputError =>
  new InputError(file.path, `the disk is full: ${dirname(target)}.`, { code: 'E_DISK_FULL', cause });

/** What a failed fetch says, with what it hides in its cause. */
export function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error && error.cause.message
    ? `${error.message} (${error.cause.message})`
    : error.message;
}
