// A run store in a folder: whole files only, synced before they get their name.

import { createHash } from 'node:crypto';
import { appendFile, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import { InputError } from '@deepearth/core/errors';
import { stateFolder } from '@deepearth/core/safe-path';
import type { Content } from '@deepearth/core/stage';
import type { RunStore, Stored } from '@deepearth/core/store';
import { openFile } from '@deepearth/formats/file-source-node';
import { fileScratch } from './file-scratch.ts';
import { takeLock } from './folder-lock.ts';

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
      code: 'E_OUTPUT_NOT_A_FOLDER',
      cause: error,
      remedy: 'Choose another --output.',
    });
  }
  return error;
};

/** A store whose files lie in a folder. */
export interface FolderStore extends RunStore {
  /** Absolute. */
  readonly folder: string;
}

/** The store of a folder. Nothing is looked at or made before it is used. */
export function folderStore(path: string): FolderStore {
  const folder = resolve(path);
  const state = join(folder, stateFolder);
  const parts = join(state, 'parts');
  const work = join(state, 'work');
  const journal = join(state, 'journal.jsonl');
  let serial = 0;

  const explained = async <T>(act: () => Promise<T>): Promise<T> => {
    try {
      return await act();
    } catch (error) {
      throw explain(error, folder);
    }
  };

  async function begin(target: string) {
    const temporary = join(parts, `${serial++}.part`);
    const hash = createHash('sha256');
    const file = await open(temporary, 'wx');
    let bytes = 0;
    let done = false;
    return {
      async append(piece: Uint8Array): Promise<void> {
        hash.update(piece);
        // A write may be short (a full disk); it then fails with the reason the next time.
        for (let at = 0; at < piece.byteLength;)
          at += (await file.write(piece, at, piece.byteLength - at)).bytesWritten;
        bytes += piece.byteLength;
      },
      async commit(): Promise<Stored> {
        await file.sync();
        await file.close();
        const final = join(folder, target);
        await mkdir(dirname(final), { recursive: true });
        await rename(temporary, final);
        done = true;
        return { bytes, sha256: hash.digest('hex') };
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
      const found = await stat(full).catch(() => undefined);
      return found?.isFile() ? openFile(full) : undefined;
    },
    put: (target, content) =>
      explained(async () => {
        const writing = await begin(target);
        try {
          for await (const piece of gathered(content)) await writing.append(piece);
          return await writing.commit();
        } finally {
          await writing.discard();
        }
      }),
    async writer(target) {
      const writing = await explained(() => begin(target));
      return {
        append: (bytes) => explained(() => writing.append(bytes)),
        commit: () => explained(() => writing.commit()),
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
    remove: (path) => explained(() => rm(join(folder, path), { force: true })),
    lock: () =>
      explained(async () => {
        await mkdir(state, { recursive: true });
        const lock = await takeLock(state, folder);
        // What a killed run left half-written.
        await rm(parts, { recursive: true, force: true });
        await rm(work, { recursive: true, force: true });
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
    appendJournal: (line) => explained(() => appendFile(journal, `${line}\n`)),
    readJournal: async () =>
      (await readFile(journal, 'utf8').catch(() => '')).split('\n').filter((line) => line !== ''),
    clearJournal: () => explained(() => rm(journal, { force: true })),
    async settle(keepJournal) {
      await rm(parts, { recursive: true, force: true });
      await rm(work, { recursive: true, force: true });
      if (!keepJournal) await rm(journal, { force: true });
    },
  };
}

/**
 * The same bytes in pieces of a size that is worth a write: an archive of small files comes in thousands of small ones.
 */
async function* gathered(content: Content, size = 1 << 18): AsyncGenerator<Uint8Array> {
  if (content instanceof Uint8Array) return yield content;
  const room = new Uint8Array(size);
  let used = 0;
  for await (const piece of content) {
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
