// The folder a run writes into: whole files only, each with its digest, recorded in a journal as it appears.

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { appendFile, mkdir, open, rename, rm, stat, writeFile, readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { DeepEarthError, InputError } from './errors.ts';
import type { Artifact } from './items.ts';
import { lineage } from './lineage.ts';
import type { Content } from './stage.ts';

/** What a run keeps beside its results while it runs; removed when it ended well. */
export const stateFolder = '.deepearth';
export const manifestName = 'manifest.json';

const reserved = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i;

/**
 * Throws unless `path` names a file inside the folder on every system: relative, forward slashes, no `..`, nothing of
 * the run's own.
 */
export function assertSafePath(path: string): void {
  const parts = path.split('/');
  const bad =
    path === '' ||
    parts.some(
      (part) =>
        part === '' ||
        part === '.' ||
        part === '..' ||
        reserved.test(part) ||
        /[\\:*?"<>|\u0000-\u001f]/.test(part) ||
        /[ .]$/.test(part),
    ) ||
    parts[0] === stateFolder ||
    path.toLowerCase() === manifestName;
  if (bad)
    throw new InputError(JSON.stringify(path), 'is no name for a file in the output folder.', {
      code: 'E_PATH',
      remedy: 'Use a relative path with forward slashes, without "..".',
    });
}

/** SHA-256 of a file, read in pieces. */
export async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path, { highWaterMark: 1 << 18 })) hash.update(piece as Buffer);
  return hash.digest('hex');
}

const explain = (error: unknown, folder: string): unknown => {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new InputError(folder, 'no space is left on the disk.', {
      code: 'E_DISK_FULL',
      cause: error,
      remedy: 'Free some, or choose another --output, and run again with --resume.',
    });
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS')
    return new InputError(folder, 'cannot be written to.', {
      code: 'E_OUTPUT',
      cause: error,
      remedy: 'Choose an --output folder that you may write to.',
    });
  if (code === 'ENOTDIR' || code === 'EEXIST') {
    return new InputError(folder, 'is a file, or lies under one: it cannot be the output folder.', {
      code: 'E_OUTPUT',
      cause: error,
      remedy: 'Choose another --output.',
    });
  }
  return error;
};

/** One line of the journal: an artifact and the stage that wrote it. */
export type JournalEntry = Omit<Artifact, 'kind' | 'id'> & { readonly stage: string };

export interface RunFolder {
  readonly folder: string;
  write(
    stage: string,
    file: { path: string; mediaType: string; key: string; holds?: string },
    content: Content,
  ): Promise<Artifact>;
  /** A scratch folder inside the state folder, for one stage. */
  scratch(stage: string): Promise<string>;
  /** Writes the manifest, atomically. */
  writeManifest(manifest: object): Promise<void>;
  /** Removes what the run kept for itself; `keepJournal` where a later run may resume. */
  release(keepJournal: boolean): Promise<void>;
}

/**
 * Opens a folder for one run: makes it, takes its lock, clears what a killed run left half-written. Throws `InputError`
 * when another run holds it.
 */
export async function openRunFolder(path: string, keepJournal: boolean): Promise<RunFolder> {
  const folder = resolve(path);
  const state = join(folder, stateFolder);
  const parts = join(state, 'parts');
  const journal = join(state, 'journal.jsonl');
  try {
    await mkdir(parts, { recursive: true });
    await takeLock(join(state, 'lock'), folder);
    await rm(parts, { recursive: true, force: true });
    await rm(join(state, 'work'), { recursive: true, force: true });
    await mkdir(parts, { recursive: true });
    if (!keepJournal) await rm(journal, { force: true });
  } catch (error) {
    throw explain(error, folder);
  }
  const taken = new Set<string>();
  let serial = 0;

  const place = async (finalPath: string, content: Content): Promise<{ bytes: number; sha256: string }> => {
    const temporary = join(parts, `${serial++}.part`);
    try {
      const digest = await writeContent(temporary, content);
      await mkdir(dirname(finalPath), { recursive: true });
      await rename(temporary, finalPath);
      return digest;
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => undefined);
      throw explain(error, folder);
    }
  };

  return {
    folder,
    async write(stage, file, content) {
      assertSafePath(file.path);
      const name = file.path.toLowerCase();
      if (taken.has(name)) {
        throw new DeepEarthError(
          `two files of this run are called ${file.path}. Give one of the stages that write it another directory.`,
          { code: 'E_NAME_TAKEN' },
        );
      }
      taken.add(name);
      const { bytes, sha256 } = await place(join(folder, file.path), content);
      const { path, mediaType, holds } = file;
      const key = lineage('artifact', file.key, sha256);
      const entry: JournalEntry =
        holds === undefined
          ? { path, bytes, sha256, mediaType, key, stage }
          : { path, bytes, sha256, mediaType, key, stage, holds };
      await appendFile(journal, `${JSON.stringify(entry)}\n`).catch((error: unknown) =>
        Promise.reject(explain(error, folder)),
      );
      // Written out: every spread would give the object a shape of its own, and a run may keep a hundred thousand of
      // them.
      return holds === undefined
        ? { kind: 'artifact', id: path, key, path, bytes, sha256, mediaType }
        : { kind: 'artifact', id: path, key, path, bytes, sha256, mediaType, holds };
    },
    async scratch(stage) {
      const path = join(state, 'work', stage);
      await mkdir(path, { recursive: true });
      return path;
    },
    async writeManifest(manifest) {
      await place(join(folder, manifestName), jsonPieces(manifest));
    },
    async release(keep) {
      await rm(parts, { recursive: true, force: true });
      await rm(join(state, 'work'), { recursive: true, force: true });
      await rm(join(state, 'lock'), { force: true });
      if (!keep) await rm(state, { recursive: true, force: true });
    },
  };
}

async function writeContent(path: string, content: Content): Promise<{ bytes: number; sha256: string }> {
  if (typeof content === 'function') {
    await content(path);
    const file = await open(path, 'r+');
    await file.sync().finally(() => file.close());
    return { bytes: (await stat(path)).size, sha256: await sha256OfFile(path) };
  }
  const hash = createHash('sha256');
  const file = await open(path, 'wx');
  let bytes = 0;
  const write = async (piece: Uint8Array): Promise<void> => {
    hash.update(piece);
    // A write may be short (a full disk); it then fails with the reason the next time.
    for (let at = 0; at < piece.byteLength;) at += (await file.write(piece, at, piece.byteLength - at)).bytesWritten;
    bytes += piece.byteLength;
  };
  try {
    if (content instanceof Uint8Array) await write(content);
    else for await (const piece of gathered(content)) await write(piece);
    await file.sync();
  } finally {
    await file.close();
  }
  return { bytes, sha256: hash.digest('hex') };
}

/**
 * `JSON.stringify(value, null, 1)` and a line feed, element by element of the lists it holds: the text of a whole
 * manifest may be large.
 */
async function* jsonPieces(value: object): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  const indented = (part: unknown, by: string): string => JSON.stringify(part, null, 1).replaceAll('\n', `\n${by}`);
  let before = '{';
  for (const [name, part] of Object.entries(value)) {
    if (part === undefined) continue;
    const head = `${before}\n ${JSON.stringify(name)}: `;
    before = ',';
    if (!Array.isArray(part) || part.length === 0) {
      yield encoder.encode(`${head}${indented(part, ' ')}`);
      continue;
    }
    for (const [index, element] of part.entries())
      yield encoder.encode(`${index === 0 ? `${head}[` : ','}\n  ${indented(element, '  ')}`);
    yield encoder.encode('\n ]');
  }
  yield encoder.encode('\n}\n');
}

/**
 * The same bytes in pieces of a size that is worth a write: an archive of small files comes in thousands of small ones.
 */
async function* gathered(pieces: AsyncIterable<Uint8Array>, size = 1 << 18): AsyncGenerator<Uint8Array> {
  const room = new Uint8Array(size);
  let used = 0;
  for await (const piece of pieces) {
    if (used + piece.byteLength > size && used > 0) {
      yield room.subarray(0, used);
      used = 0;
    }
    if (piece.byteLength >= size) yield piece;
    else {
      room.set(piece, used);
      used += piece.byteLength;
    }
  }
  if (used > 0) yield room.subarray(0, used);
}

async function takeLock(path: string, folder: string): Promise<void> {
  const mine = JSON.stringify({ pid: process.pid, host: hostname() });
  try {
    await writeFile(path, mine, { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    const holder = await readFile(path, 'utf8')
      .then((text) => JSON.parse(text) as { pid: number; host: string })
      .catch(() => undefined);
    if (holder && (holder.host !== hostname() || isAlive(holder.pid))) {
      throw new InputError(folder, `another run (process ${holder.pid} on ${holder.host}) is writing here.`, {
        code: 'E_OUTPUT_BUSY',
        remedy: `Wait for it, choose another output folder, or delete ${path} if that process is gone.`,
      });
    }
    await writeFile(path, mine);
  }
}

function isAlive(pid: number): boolean {
  if (pid === process.pid) return true;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
