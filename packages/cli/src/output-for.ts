// Where a run of a pipeline file writes.

import { basename, resolve } from 'node:path';
import { isS3 } from '@deepearth/runtime/s3-address';

/** The output of the flag, else of the file, else a folder named after the file: absolute, or "s3://bucket/prefix". */
export function outputFor(file: string, flag: string | undefined, configured: string | undefined): string {
  const output = flag ?? configured ?? `${basename(file).replace(/\.ya?ml$/i, '')}-output`;
  return isS3(output) ? output : resolve(output);
}
