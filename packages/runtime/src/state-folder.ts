// Makes the folder in which a run keeps its own things beside its results.

import { lstat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { InputError } from '@deepearth/core/errors';
import { makeFolder } from '@deepearth/core/regular-file';

/**
 * Makes the folder and those above it. Throws an `InputError`: `E_LINK` for a link, which may lead anywhere,
 * `E_OUTPUT_NOT_A_FOLDER` where the output is a file or lies under one.
 */
export async function makeStateFolder(state: string): Promise<void> {
  await makeFolder(state).catch((error: unknown) => {
    const { code } = error as NodeJS.ErrnoException;
    throw code === 'ENOTDIR' || code === 'EEXIST' ? noFolder(dirname(state), error) : error;
  });
  if ((await lstat(state)).isSymbolicLink())
    throw new InputError(state, 'is a link.', {
      code: 'E_LINK',
      remedy: 'Remove it: a run keeps its own things there.',
    });
}

/** The error for an output folder that cannot be one. */
export const noFolder = (folder: string, cause: unknown): InputError =>
  new InputError(folder, 'is a file, or lies under one: it cannot be the output folder.', {
    code: 'E_OUTPUT_NOT_A_FOLDER',
    cause,
    remedy: 'Choose another --output.',
  });
