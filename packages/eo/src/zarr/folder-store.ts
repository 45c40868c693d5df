// A Zarr store that is a folder.

import { constants, close as closeFile, fstat as statFile, open as openFile, read as readFile } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { assertSafePath, InputError } from '@deepearth/core';
import { ownRoom, type Room } from './buffer-pool.ts';
import type { Part, ZarrStore } from './store.ts';

// Numbers of files instead of handles: a chunk costs half as much.
const [open, fstat, read, close] = [
  promisify(openFile),
  promisify(statFile),
  promisify(readFile),
  promisify(closeFile),
];

const absent = (error: unknown): boolean =>
  ['ENOENT', 'ENOTDIR', 'EISDIR', 'ENAMETOOLONG'].includes((error as NodeJS.ErrnoException).code ?? '');

/** Bytes of a part that are asked for whatever the size of the file. */
const unseen = 2 ** 20;

/** The values under a folder. Values are not kept open between two reads. */
export function folderStore(folder: string): ZarrStore {
  const pathOf = (key: string): string => {
    assertSafePath(key);
    return join(folder, key);
  };
  const unreadable = (key: string, cause: unknown): never => {
    if (cause instanceof InputError || (cause as Error).name === 'AbortError') throw cause;
    throw new InputError(join(folder, key), `cannot be read: ${(cause as Error).message}.`, { code: 'E_CHUNK', cause });
  };

  async function get(
    key: string,
    part: Part | undefined,
    signal: AbortSignal | undefined,
    room: Room,
  ): Promise<Uint8Array | undefined> {
    signal?.throwIfAborted();
    const path = pathOf(key);
    // A store has many small files: each is opened without a look at what it is before, and never waited for.
    const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    try {
      const { offset, length } = part && 'offset' in part ? part : await endOf(path, file, part);
      // A small part is read without a look at the file; a damaged index may ask for more bytes than there is memory.
      if (part && length > unseen && offset + length > (await fstat(file)).size)
        throw tooShort(path, (await fstat(file)).size, offset, length);
      const bytes = room(length);
      for (let done = 0; done < length;) {
        const { bytesRead } = await read(file, bytes, done, length - done, offset + done);
        if (bytesRead === 0) throw tooShort(path, (await fstat(file)).size, offset, length);
        done += bytesRead;
      }
      return bytes;
    } finally {
      // What was read is there: nobody waits for the end of it.
      close(file).catch(() => undefined);
    }
  }

  /** The last bytes of a file, or all of it. */
  async function endOf(path: string, file: number, part: { readonly last: number } | undefined) {
    const found = await fstat(file);
    if (found.isDirectory()) throw Object.assign(new Error('is a folder'), { code: 'EISDIR' });
    if (!found.isFile())
      throw new InputError(path, 'is something else than a file.', { code: 'E_NOT_A_FILE', remedy: 'Remove it.' });
    const { size } = found;
    const length = part?.last ?? size;
    if (length > size) throw tooShort(path, size, size - length, length);
    return { offset: size - length, length };
  }

  return {
    name: folder,
    get: async (key, part, signal, room = ownRoom) => {
      try {
        return await get(key, part, signal, room);
      } catch (error) {
        return absent(error) ? undefined : unreadable(key, error);
      }
    },
    list: async (prefix) => {
      try {
        return (await readdir(prefix ? pathOf(prefix.replace(/\/$/, '')) : folder)).sort();
      } catch (error) {
        return absent(error) ? [] : unreadable(prefix, error);
      }
    },
    sizes: async (signal) => {
      const found = new Map<string, number>();
      for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
        signal?.throwIfAborted();
        if (!entry.isFile()) continue;
        const path = join(entry.parentPath ?? entry.path, entry.name);
        const key = path.slice(join(folder, '/').length).replaceAll('\\', '/');
        found.set(key, (await stat(path)).size);
      }
      return found;
    },
    close: async () => undefined,
  };
}

/** For a part that leaves a value. */
export const tooShort = (subject: string, size: number, offset: number, length: number): InputError =>
  new InputError(subject, `has ${size} bytes, and bytes ${offset} to ${offset + length} of it are needed.`, {
    code: 'E_CHUNK',
    remedy: 'It was cut short: copy it again.',
  });
