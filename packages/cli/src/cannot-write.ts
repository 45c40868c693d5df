// Says why a file that the command line names cannot be written.

import { dirname } from 'node:path';
import { InputError } from '@deepearth/core/errors';
import { fileTrouble } from '@deepearth/core/file-trouble';

/** The error for what the operating system refused; anything else is returned as it is. */
export function cannotWrite(path: string, cause: unknown): unknown {
  const code = (cause as NodeJS.ErrnoException).code;
  const told: Partial<Record<string, readonly [message: string, remedy: string]>> = {
    ENOENT: [`the folder ${dirname(path)} is not there.`, 'Make it first, or name another.'],
    EEXIST: ['is a file, not a folder.', 'Name a folder.'],
    EACCES: ['you may not write there.', 'Name another place, or give yourself the right.'],
    EPERM: ['you may not write there.', 'Name another place, or give yourself the right.'],
  };
  const known = told[code ?? ''];
  if (known) return new InputError(path, known[0], { code: 'E_OUTPUT', remedy: known[1], cause });
  const trouble = fileTrouble(cause);
  if (!trouble) return cause;
  // Where something is to be written no input is at fault.
  const own = trouble.code === 'E_INPUT' || trouble.code === 'E_FILE_MISSING' ? 'E_OUTPUT' : trouble.code;
  return new InputError(path, trouble.finding, { code: own, remedy: trouble.remedy, cause });
}
