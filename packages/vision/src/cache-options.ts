// How many decoded pixels a source keeps.

import { z } from 'zod';

/** Options of sources over a `pixelCache`. */
export const cacheOptions = {
  cacheBytes: z
    .number()
    .int()
    .nonnegative()
    .optional()
    .describe(
      'Bytes of decoded pixels that are kept in memory, because encoder and renderers read the same frames. Default: 64 MiB, or those of 40 frames where they are more, at most 256 MiB.',
    ),
  spillBytes: z
    .number()
    .int()
    .nonnegative()
    .default(4 * 2 ** 30)
    .describe(
      'Bytes of decoded pixels that are kept in the work folder beyond `cacheBytes`, so that none is decoded again.',
    ),
};
