// The options of sources of picture files: what their frames hold, and how much of their pixels is kept.

import type { cacheOptions } from '@deepearth/vision/cache-options';
import { z } from 'zod';

const band = z.union([z.number().int().positive(), z.string().min(1)]);
const percent = z.number().min(0).max(100);
const ascending = ([low, high]: readonly [number, number]): boolean => low < high;

/** What decides the pixels of a frame. */
export const pictureOptions = {
  bands: z
    .union([z.tuple([band]), z.tuple([band, band, band])])
    .optional()
    .describe(
      'Which bands are red, green and blue, or the one that is grey: numbers from 1, or names that the file gives them. Default: the first three, or the first.',
    ),
  stretch: z
    .union([
      z.enum(['percentile', 'type']),
      z.strictObject({
        percentile: z
          .tuple([percent, percent])
          .refine(ascending, 'the first is less than the second')
          .describe('Percentiles of all values of the series.'),
      }),
      z.strictObject({
        range: z
          .tuple([z.number(), z.number()])
          .refine(ascending, 'the first is less than the second')
          .describe('Values.'),
      }),
      z.strictObject({
        manifest: z
          .string()
          .min(1)
          .describe('The `manifest.json` of an earlier run, whose source found a stretch: the same is taken.'),
      }),
    ])
    .optional()
    .describe(
      'Which values become black and white, the same for the whole series, for encoder and drawing: `percentile` (2 and 98 of all values), `{ percentile: [1, 99] }`, `{ range: [0, 3000] }`, `{ manifest: earlier-run/manifest.json }` for the stretch of an earlier run, or `type`, the whole range of their type (1 for floats). Default: `percentile` for pictures of more than 8 bits; 8-bit ones are left as they are.',
    ),
  values: z
    .enum(['uint8', 'stored'])
    .default('uint8')
    .describe(
      'What frames hold: 8-bit values after the stretch, or the values as stored, with the stretch beside them for encoders and drawing.',
    ),
  verify: z
    .boolean()
    .default(true)
    .describe(
      'Decode every frame before it is passed on, so that a damaged file is found (and skipped with `onError: skip`) by itself instead of with its whole clip.',
    ),
  maxPixels: z
    .number()
    .int()
    .positive()
    .default(2 ** 28)
    .describe('Pictures of more pixels than this are refused before they are decoded.'),
};

/** Options that every source of picture files has. */
export type PictureOptions = z.output<z.ZodObject<typeof pictureOptions & typeof cacheOptions>>;
