// Where a run of a pipeline file writes.

import { basename } from 'node:path';

/** The folder of the flag, else of the file, else one named after the file. */
export const outputFor = (file: string, flag: string | undefined, configured: string | undefined): string =>
  flag ?? configured ?? `${basename(file).replace(/\.ya?ml$/i, '')}-output`;
