// Where the built page lies.

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { DeepEarthError } from '@deepearth/core/errors';

/** The folder with `index.html`. Throws where the page has not been built. */
export function pageFolder(): string {
  const folder = fileURLToPath(new URL('../../page', import.meta.url));
  if (!existsSync(`${folder}/index.html`))
    throw new DeepEarthError('the page of the explorer has not been built.', {
      code: 'E_NO_PAGE',
      remedy: 'In a clone, npm run prepare builds it.',
    });
  return folder;
}
