// Makes a file whole and once: of several processes that make it at the same time, one does.

import { link, rm, writeFile } from 'node:fs/promises';

/**
 * Writes a file that is whole from its first moment, unless there is one of that name; returns whether it did. It is
 * written to `aside`, in the same folder, and linked to its name; a file system without hard links makes it and writes
 * into it. Throws what the system throws (code `ENOENT` where the folder is gone).
 */
export async function createOnce(path: string, text: string, aside: string): Promise<boolean> {
  const taken = (error: NodeJS.ErrnoException): false => {
    if (error.code === 'EEXIST') return false;
    throw error;
  };
  try {
    await writeFile(aside, text);
    await link(aside, path);
    return true;
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (!withoutLinks.has(code)) return taken(error as NodeJS.ErrnoException);
    return await writeFile(path, text, { flag: 'wx' }).then(() => true, taken);
  } finally {
    await rm(aside, { force: true });
  }
}

/** What file systems say that have no hard links. */
const withoutLinks = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EINVAL', 'EACCES', 'EMLINK', 'UNKNOWN']);
