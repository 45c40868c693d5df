// The digest of a file.

import { createHash } from 'node:crypto';
import { openRegularFile } from '@deepearth/core/regular-file';

/** SHA-256 of a file, read in pieces, as 64 hex digits. Throws as `openRegularFile` does. */
export async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  const file = await openRegularFile(path);
  for await (const piece of file.createReadStream({ highWaterMark: 1 << 18 })) hash.update(piece as Buffer);
  return hash.digest('hex');
}
