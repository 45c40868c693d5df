// Says why a file that the command line names cannot be written.

import { dirname } from 'node:path';
import { InputError } from '@deepearth/core/errors';

/** The error for what the operating system refused; anything else is returned as it is. */
export function cannotWrite(path: string, cause: unknown): unknown {
  const code = (cause as NodeJS.ErrnoException).code;
  const told: Partial<Record<string, readonly [message: string, remedy: string]>> = {
    ENOENT: [`the folder ${dirname(path)} is not there.`, 'Make it first, or name another.'],
    ENOTDIR: ['a part of this path is a file, not a folder.', 'Name another.'],
    EEXIST: ['is a file, not a folder.', 'Name a folder.'],
    EISDIR: ['is a folder, not a file.', 'Name a file in it.'],
    EACCES: ['you may not write there.', 'Name another place, or give yourself the right.'],
    EROFS: ['this disk can only be read.', 'Name another place.'],
    ENOSPC: ['no space is left.', 'Free some, or name another place.'],
  };
  const known = told[code ?? ''];
  return known ? new InputError(path, known[0], { code: 'E_OUTPUT', remedy: known[1], cause }) : cause;
}
