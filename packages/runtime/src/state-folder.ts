// Makes the folder in which a run keeps its own things beside its results.

import { lstat } from 'node:fs/promises';
import { InputError } from '@deepearth/core/errors';
import { makeFolder } from '@deepearth/core/regular-file';

/** Makes the folder and those above it. Throws an `InputError` (`E_LINK`) for a link, which may lead anywhere. */
export async function makeStateFolder(state: string): Promise<void> {
  await makeFolder(state);
  if ((await lstat(state)).isSymbolicLink())
    throw new InputError(state, 'is a link.', {
      code: 'E_LINK',
      remedy: 'Remove it: a run keeps its own things there.',
    });
}
