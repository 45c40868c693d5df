// A file as a byte source (Node only; a bundle for a browser may hold it, but no file is opened there).

import { builtinModule } from '@deepearth/core/builtin-module';
import { InputError } from '@deepearth/core/errors';
import { openRegularFile } from '@deepearth/core/regular-file';
import { roomIn } from '@deepearth/core/room-in';
import { checkRange, type ByteSource } from './bytes.ts';

// One read call of the operating system returns at most 2 GiB less a page.
const mostAtOnce = 1 << 30;

const said = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));

/**
 * Opens a file for reading in pieces. Close it when done. Throws an `InputError` when there is no such file or it is a
 * folder.
 */
export async function openFile(path: string): Promise<ByteSource> {
  if (!builtinModule('node:fs/promises'))
    throw new InputError(path, 'cannot be opened: there are no files in a browser.');
  const handle = await openRegularFile(path).catch((cause: unknown) => {
    if (cause instanceof InputError) throw cause;
    if ((cause as NodeJS.ErrnoException).code === 'EISDIR')
      throw new InputError(path, 'is a folder, not a file.', { cause });
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    throw new InputError(path, missing ? 'there is no such file.' : `cannot be opened: ${said(cause)}.`, {
      cause,
      code: missing ? 'E_FILE_MISSING' : 'E_INPUT',
    });
  });
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => (closing ??= handle.close());
  try {
    const stat = await handle.stat();
    const source: ByteSource = {
      name: path,
      size: stat.size,
      close,
      read: async (offset, length, signal, into) => {
        checkRange(source, offset, length);
        const bytes = roomIn(into, length);
        for (let done = 0; done < length;) {
          signal?.throwIfAborted();
          const { bytesRead } = await handle
            .read(bytes, done, Math.min(length - done, mostAtOnce), offset + done)
            .catch((cause: unknown) => {
              throw new InputError(path, `cannot be read at byte ${offset + done}: ${said(cause)}.`, { cause });
            });
          if (bytesRead === 0)
            throw new InputError(
              path,
              `ends at byte ${offset + done}, though it had ${source.size} bytes when it was opened.`,
            );
          done += bytesRead;
        }
        return bytes;
      },
    };
    return source;
  } catch (error) {
    await close();
    throw error;
  }
}
