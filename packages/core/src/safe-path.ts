// Which paths a run may write.

import { InputError } from './errors.ts';

/** What a run keeps beside its results while it runs; removed when it ended well. */
export const stateFolder = '.deepearth';
export const manifestName = 'manifest.json';

const reserved = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i;

/**
 * Whether `path` names a file inside the folder on every system: relative, forward slashes, no `..`, nothing of the run's
 * own.
 */
export function isSafePath(path: string): boolean {
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
  return !bad;
}

/** Throws an `InputError` unless the path is safe. */
export function assertSafePath(path: string): void {
  if (!isSafePath(path))
    throw new InputError(JSON.stringify(path), 'is no name for a file in the output folder.', {
      code: 'E_PATH',
      remedy: 'Use a relative path with forward slashes, without "..".',
    });
}
