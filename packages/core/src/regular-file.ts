// Opens files that hold bytes, and nothing else that has a path: a pipe would keep a run waiting for a writer for ever,
// opening a device may do something, and what the kernel makes up has no size.

import type { FileHandle } from 'node:fs/promises';
import { builtinModule } from './builtin-module.ts';
import { InputError } from './errors.ts';

const files = (): typeof import('node:fs/promises') => {
  const found = builtinModule<typeof import('node:fs/promises')>('node:fs/promises');
  if (!found) throw new Error('there are no files in a browser');
  return found;
};

type Kind = Pick<import('node:fs').Stats, 'isFIFO' | 'isSocket' | 'isCharacterDevice' | 'isBlockDevice'>;

const kindOf = (found: Kind): string =>
  found.isFIFO()
    ? 'a pipe (FIFO)'
    : found.isSocket()
      ? 'a socket'
      : found.isCharacterDevice() || found.isBlockDevice()
        ? 'a device'
        : 'something that is no file';

const remedy = 'Name a file on disk; copy into one what comes from elsewhere.';

/**
 * Throws an `InputError` where a path leads to a pipe, a socket, a device, or what the kernel makes up; `subject` is
 * what errors call it. A folder passes, and so does what is not there: who opens it says so.
 */
export async function refuseSpecial(path: string, subject = path): Promise<void> {
  const { stat, realpath } = files();
  const found = await stat(path).catch(() => undefined);
  if (!found || found.isDirectory()) return;
  if (!found.isFile())
    throw new InputError(subject, `is ${kindOf(found)}, not a file.`, { code: 'E_NOT_A_FILE', remedy });
  // Links such as /proc/self/cwd lead out again.
  const real = await realpath(path).catch(() => path);
  if (/^\/(?:proc|sys)\//.test(real))
    throw new InputError(subject, 'is made up by the kernel, and no file on disk.', { code: 'E_NOT_A_FILE', remedy });
}

/**
 * Opens a file for reading. Throws an `InputError` as `refuseSpecial` does, and what the system throws for one that is
 * not there, or a folder (code `EISDIR`).
 */
export async function openRegularFile(path: string, subject = path): Promise<FileHandle> {
  const { open, constants } = files();
  await refuseSpecial(path, subject);
  // What was put in its place since then is not waited for either.
  const handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const found = await handle.stat();
    if (found.isDirectory())
      throw Object.assign(new Error(`EISDIR: is a folder, ${path}`), { code: 'EISDIR', syscall: 'open', path });
    if (!found.isFile())
      throw new InputError(subject, `is ${kindOf(found)}, not a file.`, { code: 'E_NOT_A_FILE', remedy });
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** How often a folder is made that others remove in the same moment. */
const tries = 8;

/**
 * Makes a folder and those above it, where they are not there. Another process may remove it between the two looks of
 * `mkdir`, which then says that there is none (ENOENT): it is tried again. Throws an `InputError` for one among what
 * the kernel makes up, where the system's own way of making a folder never ends.
 */
export async function makeFolder(path: string): Promise<void> {
  const { mkdir, realpath } = files();
  const { dirname, resolve } = builtinModule<typeof import('node:path')>('node:path')!;
  for (let at = resolve(path); ; at = dirname(at)) {
    const real = await realpath(at).catch(() => undefined);
    if (real === undefined && dirname(at) !== at) continue;
    if (real !== undefined && /^\/(?:proc|sys)(?:\/|$)/.test(real))
      throw new InputError(path, 'lies among what the kernel makes up, where no folder can be.', {
        code: 'E_OUTPUT_NOT_A_FOLDER',
        remedy: 'Name a folder on disk.',
      });
    break;
  }
  for (let attempt = 1; ; attempt++)
    try {
      await mkdir(path, { recursive: true });
      return;
    } catch (error) {
      if (attempt === tries || (error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
}

/** How a file is read as a whole. */
export interface ReadFileOptions {
  /** What errors call it. */
  readonly subject?: string | undefined;
  /** A larger file is refused before any of it is read. */
  readonly maxBytes?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The bytes of a file. Throws as `openRegularFile` does, and an `InputError` for one of more than `maxBytes`. */
export async function readRegularFile(
  path: string,
  { subject = path, maxBytes = Infinity, signal }: ReadFileOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const handle = await openRegularFile(path, subject);
  try {
    const { size } = await handle.stat();
    if (size > maxBytes)
      throw new InputError(subject, `has ${size} bytes; the most that is read of such a file is ${maxBytes}.`, {
        code: 'E_FILE_TOO_LARGE',
        remedy: 'Look whether it is the file that was meant.',
      });
    return await handle.readFile(signal ? { signal } : {});
  } finally {
    await handle.close();
  }
}

/** The text of a file, read as `readRegularFile` does; bytes that are no UTF-8 become U+FFFD. */
export const readTextFile = async (path: string, options?: ReadFileOptions): Promise<string> =>
  new TextDecoder('utf-8', { ignoreBOM: true }).decode(await readRegularFile(path, options));
