// Scratch in a file: bytes appended and read back by their place.

import { open, rm, type FileHandle } from 'node:fs/promises';
import { InputError } from '@deepearth/core/errors';
import { fileError, fileTrouble } from '@deepearth/core/file-trouble';
import { roomIn } from '@deepearth/core/room-in';
import type { Scratch } from '@deepearth/core/stage';

/**
 * The file is made when something is appended, and removed by `close`. `append` throws an `InputError` when the disk is
 * full.
 */
export function fileScratch(path: string): Scratch & { close(): Promise<void> } {
  let file: Promise<FileHandle> | undefined;
  let end = 0;
  const opened = (): Promise<FileHandle> => (file ??= open(path, 'w+'));
  return {
    get length() {
      return end;
    },
    async append(bytes) {
      const offset = end;
      // Taken at once, so that two that append together do not get the same place.
      end += bytes.byteLength;
      try {
        const handle = await opened();
        for (let at = 0; at < bytes.byteLength;)
          at += (await handle.write(bytes, at, bytes.byteLength - at, offset + at)).bytesWritten;
      } catch (cause) {
        if (fileTrouble(cause)?.code !== 'E_DISK_FULL') throw fileError(cause, path);
        throw new InputError(path, `the disk is full: ${bytes.byteLength} more bytes were needed after ${offset}.`, {
          code: 'E_DISK_FULL',
          remedy: 'Free some space, or put the output folder on another disk.',
          cause,
        });
      }
      return offset;
    },
    async read(offset, length, into) {
      const handle = await opened();
      const bytes = roomIn(into, length);
      for (let at = 0; at < length;) {
        const { bytesRead } = await handle.read(bytes, at, length - at, offset + at);
        if (bytesRead === 0)
          throw new InputError(
            path,
            `ends at byte ${offset + at}, ${offset + length} were written; another program has changed it.`,
          );
        at += bytesRead;
      }
      return bytes;
    },
    async clear() {
      end = 0;
      await (await file)?.truncate(0);
    },
    async close() {
      const handle = await file;
      file = undefined;
      await handle?.close();
      await rm(path, { force: true });
    },
  };
}
