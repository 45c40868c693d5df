// Which paths a run may write.

import { InputError } from './errors.ts';

/** What a run keeps beside its results while it runs; removed when it ended well. */
export const stateFolder = '.deepearth';
export const manifestName = 'manifest.json';

/** The longest name of a file or folder, in bytes of UTF-8: what ext4, APFS, NTFS and S3 browsers agree on. */
const longestName = 255;
const windowsDevice = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i;
const encoder = new TextEncoder();

/**
 * The name that some file systems take a path for: case and the form of accents do not count there. Two files of one
 * run differ in it.
 */
export const foldedPath = (path: string): string => path.normalize('NFC').toLowerCase();

/**
 * What a path lacks to name a file inside the folder on every system, as what is expected of it; `undefined` where it
 * names one: relative, forward slashes, no `..`, nothing of the run's own.
 */
export function unsafeBecause(path: string): string | undefined {
  const parts = path.split('/');
  if (path === '') return 'expected a name that is not empty';
  if (path.startsWith('/') || /^[a-z]:[\\/]/i.test(path))
    return 'expected a path relative to the output folder, not an absolute one';
  for (const part of parts) {
    if (part === '..' || part === '.') return 'expected a path inside the output folder, without ".." and "."';
    if (part === '') return 'expected a path without empty parts ("//", or "/" at its end)';
    if (/[\u0000-\u001f]/.test(part)) return 'expected a name without control characters';
    if (/[\\:*?"<>|]/.test(part)) return 'expected a name without any of \\ : * ? " < > |';
    if (/[\ud800-\udfff]/u.test(part)) return 'expected a name in Unicode, without halves of characters';
    if (/[ .]$/.test(part)) return 'expected a name that does not end in a space or a dot';
    if (windowsDevice.test(part)) return 'expected a name that is none of Windows’ devices (con, nul, com1, …)';
    const bytes = encoder.encode(part).byteLength;
    if (bytes > longestName) return `expected names of at most ${longestName} bytes, and one has ${bytes}`;
  }
  if (foldedPath(parts[0]!) === stateFolder || foldedPath(path) === manifestName)
    return `expected another name: ${stateFolder} and ${manifestName} are the run’s own`;
  return undefined;
}

/** Whether `path` names a file inside the folder on every system. */
export const isSafePath = (path: string): boolean => unsafeBecause(path) === undefined;

/** Throws an `InputError` unless the path is safe. */
export function assertSafePath(path: string): void {
  const reason = unsafeBecause(path);
  if (reason !== undefined)
    throw new InputError(JSON.stringify(path), `is no name for a file in the output folder: ${reason}.`, {
      code: 'E_PATH',
      remedy: 'Use a relative path with forward slashes, without "..".',
    });
}
