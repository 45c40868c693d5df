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
      'Bytes of decoded pixels that are kept in memory, because encoder and renderers read the same frames. Default: 64 MiB; of large frames what 40 of them take, up to 256 MiB.',
    ),
  spillBytes: z
    .number()
    .int()
    .nonnegative()
    .default(4 * 2 ** 30)
    .describe(
      'Bytes of decoded pixels that are kept in the work folder beyond `cacheBytes`, where frames are read again later (pictures after a fit), so that none is decoded again.',
    ),
};

/** One clip of 16 that is drawn, one that is encoded, and half of the one that is read meanwhile. */
const framesInPlay = 40;

/** Bytes of decoded pixels that are kept in memory, of frames of this size (0 where it is not known). */
export const cacheBytesFor = (cacheBytes: number | undefined, frameBytes: number): number =>
  cacheBytes ?? Math.min(Math.max(framesInPlay * frameBytes, 2 ** 26), 2 ** 28);
