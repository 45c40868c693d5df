// How many pictures a source opens and decodes at a time.

import { availableParallelism } from 'node:os';

/** Pixels of those that are ahead hold no more than this. */
const mostBytes = 2 ** 26;

/** One for each core, and never more pictures of so many bytes than fit into 64 MiB. */
export const openedAtOnce = (bytes: number): number =>
  Math.max(1, Math.min(availableParallelism(), Math.floor(mostBytes / Math.max(1, bytes))));
