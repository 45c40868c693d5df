// A run store in a folder: whole files only, synced before they get their name.

import { createHash } from 'node:crypto';
import { link, lstat, mkdir, open, readdir, readFile, realpath, rename, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { DeepEarthError, InputError } from '@deepearth/core/errors';
import { fileTrouble } from '@deepearth/core/file-trouble';
import { stateFolder } from '@deepearth/core/safe-path';
import type { RunStore, Stored } from '@deepearth/core/store';
import { openFile } from '@deepearth/formats/file-source-node';
import { fileScratch } from './file-scratch.ts';
import { takeLock } from './folder-lock.ts';
import { folderSyncs } from './folder-syncs.ts';
import { makeStateFolder, noFolder } from './state-folder.ts';

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
  if (code === 'ENOTDIR' || code === 'EEXIST') return noFolder(folder, error);
  const trouble = fileTrouble(error);
  if (!trouble) return error;
  // A disk that fails, a name that is too long: no input is at fault.
  const { finding, remedy, code: known } = trouble;
  const path = (error as NodeJS.ErrnoException).path ?? folder;
  return new InputError(path, finding, { code: known === 'E_SYSTEM_LIMIT' ? known : 'E_OUTPUT', remedy, cause: error });
};

/** In the state folder: shards that are merged, on their way out. */
export const mergedFolder = 'merged';

/** A store whose files lie in a folder. */
export interface FolderStore extends RunStore {
  /** Absolute. */
  readonly folder: string;
}

/** The store of a folder. Nothing is looked at or made before it is used. */
export function folderStore(path: string): FolderStore {
  if (path.trim() === '')
    throw new DeepEarthError('an output folder has no name.', {
      code: 'E_USAGE',
      remedy: 'Name one; "." is the working directory.',
    });
  const folder = resolve(path);
  const state = join(folder, stateFolder);
  const parts = join(state, 'parts');
  const work = join(state, 'work');
  const journal = join(state, 'journal.jsonl');
  let serial = 0;
  /** Memory in which small pieces are gathered, used again by the next file. */
  const spare: Buffer[] = [];
  const syncs = folderSyncs(journal);

  const explained = async <T>(act: () => Promise<T>): Promise<T> => {
    try {
      return await act();
    } catch (error) {
      throw explain(error, folder);
    }
  };

  /** Folders below the output folder that are known to be no links. */
  const plain = new Set<string>(['.']);
  /** Whether a path stays inside: a link among its folders may lead anywhere. */
  async function staysInside(path: string): Promise<boolean> {
    const parts = dirname(path).split('/');
    for (let i = 1; i <= parts.length; i++) {
      const part = parts.slice(0, i).join('/');
      if (plain.has(part)) continue;
      const found = await lstat(join(folder, part)).catch(() => undefined);
      if (!found) return true;
      if (!found.isDirectory()) return false;
      plain.add(part);
    }
    return true;
  }

  async function refuseOutside(target: string): Promise<void> {
    if (await staysInside(target)) return;
    throw new InputError(`${folder}/${target}`, 'lies under a link or a file, not in a folder of the output folder.', {
      code: 'E_LINK',
      remedy: 'Put a folder in its place, or choose another --output.',
    });
  }

  /** See `link` of a store. */
  const linked = (from: string, target: string, record: () => Promise<void>): Promise<boolean> =>
    explained(async () => {
      await refuseOutside(target);
      const temporary = join(parts, `${serial++}.part`);
      const refused = await link(from, temporary).catch((error: unknown) => error);
      if (refused) return false;
      try {
        await record();
        const final = join(folder, target);
        await mkdir(dirname(final), { recursive: true });
        await rename(temporary, final);
        await syncs.folder(dirname(final));
      } finally {
        // Two names of one file are not renamed to one another.
        await rm(temporary, { force: true });
      }
      return true;
    });

  async function begin(target: string) {
    await refuseOutside(target);
    const temporary = join(parts, `${serial++}.part`);
    const hash = createHash('sha256');
    const file = await open(temporary, 'wx');
    // An archive of small files comes in thousands of small pieces, which are gathered.
    let gathered: Buffer | undefined;
    let gatheredBytes = 0;
    let bytes = 0;
    let done = false;
    async function write(piece: Uint8Array): Promise<void> {
      // A write may be short (a full disk); it then fails with the reason the next time.
      for (let at = 0; at < piece.byteLength;) at += (await file.write(piece, at, piece.byteLength - at)).bytesWritten;
    }
    async function flush(): Promise<void> {
      if (!gathered) return;
      const full = gathered;
      const length = gatheredBytes;
      [gathered, gatheredBytes] = [undefined, 0];
      await write(full.subarray(0, length));
      if (spare.length < mostSpare) spare.push(full);
    }
    return {
      async append(piece: Uint8Array): Promise<void> {
        bytes += piece.byteLength;
        if (gatheredBytes + piece.byteLength > worthWriting) await flush();
        if (piece.byteLength >= worthWriting) {
          // The digest is made while the disk writes.
          const written = write(piece);
          hash.update(piece);
          return written;
        }
        hash.update(piece);
        gathered ??= spare.pop() ?? Buffer.allocUnsafeSlow(worthWriting);
        gathered.set(piece, gatheredBytes);
        gatheredBytes += piece.byteLength;
      },
      async commit(record?: (stored: Stored) => Promise<void>, as = target): Promise<Stored> {
        if (as !== target) await refuseOutside(as);
        await flush();
        await file.sync();
        await file.close();
        const stored = { bytes, sha256: hash.digest('hex') };
        await record?.(stored);
        const final = join(folder, as);
        await mkdir(dirname(final), { recursive: true });
        await rename(temporary, final);
        done = true;
        await syncs.folder(dirname(final));
        return stored;
      },
      async discard(): Promise<void> {
        if (done) return;
        done = true;
        await file.close().catch(() => undefined);
        await rm(temporary, { force: true }).catch(() => undefined);
      },
    };
  }

  return {
    name: folder,
    folder,
    async get(path) {
      const full = join(folder, path);
      const found = (await staysInside(path)) ? await lstat(full).catch(() => undefined) : undefined;
      return found?.isFile() ? openFile(full) : undefined;
    },
    has: async (path) => (await lstat(join(folder, path)).catch(() => undefined)) !== undefined,
    async pathOf(file) {
      const real = async (path: string): Promise<string> => realpath(path).catch(() => resolve(path));
      const path = relative(await real(folder), await real(file));
      return path === '' || path.startsWith('..') || isAbsolute(path) ? undefined : path.split(sep).join('/');
    },
    put: (target, content) =>
      explained(async () => {
        const writing = await begin(target);
        try {
          if (content instanceof Uint8Array) await writing.append(content);
          else for await (const piece of content) await writing.append(piece);
          return await writing.commit();
        } finally {
          await writing.discard();
        }
      }),
    link: linked,
    linkOwn: (own, target, record) => linked(join(folder, own), target, record),
    async writer(target) {
      const writing = await explained(() => begin(target));
      return {
        append: (bytes) => explained(() => writing.append(bytes)),
        commit: (record, as) => explained(() => writing.commit(record, as)),
        discard: () => writing.discard(),
      };
    },
    async *list(prefix = '') {
      const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
      const own = prefix.startsWith(stateFolder);
      const paths = entries
        .filter((entry) => entry.isFile())
        .map((entry) =>
          join(entry.parentPath, entry.name)
            .slice(folder.length + 1)
            .split(sep)
            .join('/'),
        )
        .filter((path) => path.startsWith(prefix) && (own || !path.startsWith(`${stateFolder}/`)));
      for (const path of paths.sort()) {
        const found = await stat(join(folder, path)).catch(() => undefined);
        if (found) yield { path, bytes: found.size };
      }
    },
    remove: (path) =>
      explained(async () => {
        if (!(await staysInside(path))) return;
        await rm(join(folder, path), { force: true });
        // Folders go with their last file.
        for (let at = dirname(path); at !== '.'; at = dirname(at)) {
          plain.delete(at);
          const left = await rmdir(join(folder, at)).catch((error: unknown) => error);
          if (left) break;
        }
      }),
    lock: () =>
      explained(async () => {
        await makeStateFolder(state);
        const lock = await takeLock(state, folder);
        // What a killed run left half-written.
        await rm(parts, { recursive: true, force: true });
        await rm(work, { recursive: true, force: true });
        await rm(join(state, mergedFolder), { recursive: true, force: true });
        await mkdir(parts, { recursive: true });
        return lock;
      }),
    async scratch(name) {
      const path = join(work, `${name}.scratch`);
      await explained(() => mkdir(dirname(path), { recursive: true }));
      return fileScratch(path);
    },
    async workFolder(name) {
      const path = join(work, name);
      await explained(() => mkdir(path, { recursive: true }));
      return path;
    },
    appendJournal: (...lines) => explained(() => syncs.journal(lines)),
    readJournal: async () =>
      (await readFile(journal, 'utf8').catch(() => '')).split('\n').filter((line) => line !== ''),
    async settle(keepJournal) {
      await syncs.close();
      await rm(parts, { recursive: true, force: true });
      await rm(work, { recursive: true, force: true });
      if (!keepJournal) await rm(journal, { force: true });
    },
  };
}

/** Bytes that are written at once. */
const worthWriting = 1 << 18;
/** As many files as stages write at the same time, about. */
const mostSpare = 8;
