// The options of `source/video`.

import { cacheOptions } from '@deepearth/vision/cache-options';
import { z } from 'zod';

/** Options of `source/video`. */
export const videoSourceOptions = z.strictObject({
  path: z
    .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
    .describe(
      'A video file, a folder of them, a pattern (`videos/*.mp4`, `**` for folders in folders), or a list of these. Each file is a sequence.',
    ),
  from: z
    .number()
    .optional()
    .describe('Seconds at which reading begins, as the file counts them. Default: the first frame.'),
  to: z
    .number()
    .optional()
    .describe('Seconds at which reading ends, before a frame of that time. Default: the last frame.'),
  framesPerSecond: z
    .number()
    .positive()
    .optional()
    .describe(
      'Frames that are taken of each second: the one that is on the screen at each moment, by its time, also where frames come at an uneven pace. None is taken twice. Default: all. Not together with `every`.',
    ),
  every: z.number().int().positive().default(1).describe('Takes every n-th frame of what is read.'),
  maxGapSeconds: z
    .number()
    .positive()
    .optional()
    .describe(
      'A longer pause between two frames of the file begins a new sequence. Default: pauses are not looked at.',
    ),
  sequence: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Name of the sequence; of several files that of the folder above their names. Default: the name of the file without its ending.',
    ),
  verify: z
    .boolean()
    .default(false)
    .describe(
      'Decode every frame before it is passed on, so that a damaged one is found (and skipped with `onError: skip`) by itself instead of with its whole clip. Costs the decoding of frames that nobody reads.',
    ),
  maxPixels: z
    .number()
    .int()
    .positive()
    .default(2 ** 28)
    .describe('Videos whose frames have more pixels than this are refused before they are decoded.'),
  cacheBytes: cacheOptions.cacheBytes,
  spillBytes: z
    .number()
    .int()
    .nonnegative()
    .default(0)
    .describe(
      'Bytes of decoded pixels that are kept in the work folder beyond `cacheBytes`. Default: none, since frames that are read in order are decoded quicker than most disks write them.',
    ),
});

/** Options of `source/video`, with their defaults. */
export type VideoSourceOptions = z.output<typeof videoSourceOptions>;
