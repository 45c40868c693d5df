// A file of records that are written one after the other and read back by their place.

import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError } from '@deepearth/core/errors';

/** Where a record lies, in bytes. */
export interface RecordPlace {
  readonly offset: number;
  readonly length: number;
}

export interface WorkFile {
  readonly path: string;
  append(bytes: Uint8Array): Promise<RecordPlace>;
  read(place: RecordPlace): Promise<Uint8Array>;
  close(): Promise<void>;
}

/**
 * Makes an empty work file in a folder. Its writes throw an `InputError` that names the file and the bytes needed when
 * the disk is full.
 */
export async function workFile(folder: string, name: string): Promise<WorkFile> {
  const path = join(folder, name);
  const file = await open(path, 'w+');
  let end = 0;
  return {
    path,
    async append(bytes) {
      const offset = end;
      try {
        for (let at = 0; at < bytes.byteLength;)
          at += (await file.write(bytes, at, bytes.byteLength - at, offset + at)).bytesWritten;
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code !== 'ENOSPC') throw cause;
        throw new InputError(path, `the disk is full: ${bytes.byteLength} more bytes were needed after ${offset}.`, {
          code: 'E_DISK_FULL',
          remedy: 'Free some space, or put the output folder on another disk.',
          cause,
        });
      }
      end = offset + bytes.byteLength;
      return { offset, length: bytes.byteLength };
    },
    async read({ offset, length }) {
      const bytes = new Uint8Array(length);
      for (let at = 0; at < length;) {
        const { bytesRead } = await file.read(bytes, at, length - at, offset + at);
        if (bytesRead === 0)
          throw new InputError(
            path,
            `ends at byte ${offset + at}, ${offset + length} were written; somebody changed it.`,
          );
        at += bytesRead;
      }
      return bytes;
    },
    close: () => file.close(),
  };
}
