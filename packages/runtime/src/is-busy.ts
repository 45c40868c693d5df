// Whether a run or a merge is writing into an output at this moment.

import { join, resolve } from 'node:path';
import { stateFolder } from '@deepearth/core/safe-path';
import { isLocked } from './folder-lock.ts';
import { isS3, parseS3Address } from './s3-address.ts';
import { s3Client } from './s3-client.ts';
import { isLeased } from './s3-lease.ts';

/**
 * Whether the lock of an output, a folder or an address in S3, is held. It is looked at and not taken, so it may be
 * taken or given back a moment later. Where its holder cannot be seen from here its lock is watched, for 15 s (on S3 30
 * s) at most.
 */
export async function isBusy(output: string): Promise<boolean> {
  if (!isS3(output)) return isLocked(join(resolve(output), stateFolder));
  const { bucket, prefix } = parseS3Address(output);
  return isLeased(s3Client(bucket), `${prefix === '' ? '' : `${prefix}/`}${stateFolder}/`);
}
