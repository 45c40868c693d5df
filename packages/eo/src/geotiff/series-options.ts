// The options that all sources of rasters have.

import { cacheOptions } from '@deepearth/vision/cache-options';
import { z } from 'zod';
import type { MaskRule } from './mask-rule.ts';

/** A band by its number, from 1, or its name. */
export const bandOption = z.union([z.number().int().positive(), z.string().min(1)]);
const percent = z.number().min(0).max(100);
const ascending = ([low, high]: readonly [number, number]): boolean => low < high;
const pair = z.tuple([z.number(), z.number()]).refine(ascending, 'the first is less than the second');
const pixels = z.number().int().nonnegative();

/** Which values of files are read, and how they are shown. */
export const valueOptions = {
  bands: z
    .union([z.tuple([bandOption]), z.tuple([bandOption, bandOption, bandOption])])
    .optional()
    .describe(
      'Which bands are red, green and blue, or the one that is grey: numbers from 1, or names that the file gives them. Default: the bands that the file calls red, green and blue, or those of its palette; else the first three, or the first.',
    ),
  stretch: z
    .union([
      z.enum(['percentile', 'reflectance', 'type']),
      z.strictObject({
        percentile: z
          .tuple([percent, percent])
          .refine(ascending, 'the first is less than the second')
          .default([2, 98])
          .describe('Percentiles of all valid values of the series.'),
        perBand: z
          .boolean()
          .default(false)
          .describe('Whether each band has limits of its own: more contrast, and other colours.'),
      }),
      z.strictObject({
        range: z
          .union([pair, z.tuple([pair, pair, pair])])
          .describe('Values, after scale and offset of the file; one pair, or one for each of three bands.'),
      }),
    ])
    .optional()
    .describe(
      'Which values become black and white, the same for the whole series, for encoder and drawing: `percentile` (2 and 98 of all valid values), `{ percentile: [1, 99], perBand: true }`, `{ range: [0, 3000] }`, `reflectance` (0 to 0.3, or 0 to 3000 for whole numbers that the file does not scale), or `type`, the whole range of their type (1 for floats). Default: `percentile`; 8-bit values are left as they are.',
    ),
  values: z
    .enum(['uint8', 'stored'])
    .default('uint8')
    .describe(
      'What frames hold: 8-bit values after the stretch, or the values of the file (after its scale and offset), with the stretch beside them for encoders and drawing.',
    ),
};

/** Which part of a scene becomes frames. */
export const partOptions = {
  window: z
    .strictObject({
      x: pixels.describe('Left edge.'),
      y: pixels.describe('Upper edge.'),
      width: z.number().int().positive().describe('Pixels from left to right.'),
      height: z.number().int().positive().describe('Pixels from top to bottom.'),
    })
    .optional()
    .describe('The part of the scene that is read, in pixels of the file at full size. Default: all of it.'),
  overview: z
    .number()
    .int()
    .min(2)
    .optional()
    .describe(
      'Reads a smaller copy that the files hold: 4 for the one with a quarter of the width. Default: full size.',
    ),
  tile: z
    .strictObject({
      size: z.number().int().min(16).default(384).describe('Edge of a tile in pixels.'),
      overlap: pixels
        .default(0)
        .describe(
          'Pixels that neighbouring tiles share; less than `size`. The last tile of a row or column ends at the edge of the scene and shares more.',
        ),
    })
    .optional()
    .describe(
      'Cuts scenes into tiles, each a sequence of its own (`scene/r00c01`); one tile comes with all its dates before the next. Default: whole scenes.',
    ),
  places: z
    .enum(['same', 'any'])
    .default('same')
    .describe(
      'Whether all files must have the size, coordinate system and place of the first. `any` is for pictures of several places, each a clip of its own (`windower/still`).',
    ),
};

/** How files are read. */
export const readingOptions = {
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
    .describe('Frames of more pixels than this are refused before they are read; `tile` makes smaller ones.'),
  timeoutSeconds: z
    .number()
    .positive()
    .default(30)
    .describe('Of addresses: how long a server may be silent before it is asked again.'),
  ...cacheOptions,
};

type Shape = typeof valueOptions & typeof partOptions & typeof readingOptions;

/** What decides the frames of a series, whatever names its files. */
export interface SeriesOptions extends z.output<z.ZodObject<Shape>> {
  /** The band whose values mark pixels: of the file that holds the mask, where that is another. */
  readonly mask?: (MaskRule & { readonly band?: number | string | undefined }) | undefined;
}
