// The options of `source/geotiff`.

import { z } from 'zod';
import { isTimeZone } from '@deepearth/vision/instant';

const band = z.union([z.number().int().positive(), z.string().min(1)]);
const percent = z.number().min(0).max(100);
const ascending = ([low, high]: readonly [number, number]): boolean => low < high;
const pair = z.tuple([z.number(), z.number()]).refine(ascending, 'the first is less than the second');
const pixels = z.number().int().nonnegative();

/** Options of `source/geotiff`. */
export const geotiffSourceOptions = z.strictObject({
  files: z
    .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
    .describe(
      'The rasters of one series: a file, a folder, a pattern ("scenes/*.tif"; ** for folders of any depth), an address (https://…), or a list of these.',
    ),
  bands: z
    .union([z.tuple([band]), z.tuple([band, band, band])])
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
  mask: z
    .strictObject({
      band: band.describe('Number or name of the band.'),
      invalid: z.array(z.number()).min(1).describe('Values that mark pixels which do not count.'),
    })
    .optional()
    .describe(
      'A band that says which pixels count, beside nodata and masks of the file: { band: SCL, invalid: [0, 1, 3, 8, 9, 10, 11] } for clouds and shadows of Sentinel-2.',
    ),
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
  order: z
    .enum(['time', 'name', 'list'])
    .optional()
    .describe(
      'What frames are ordered by. Default: `time`, where all files say when they were taken (TIFFTAG_DATETIME, or their names); else `name`. `list` keeps the order of `files`.',
    ),
  timeZone: z
    .string()
    .refine(isTimeZone, 'it is no time zone: name one like "Europe/Berlin", or an offset like "+02:00"')
    .default('UTC')
    .describe('Of times in names that are written down without an offset: an IANA name or an offset.'),
  gaps: z
    .enum(['warn', 'error'])
    .default('warn')
    .describe('What missing numbers in names are: a warning that lists them, or an error.'),
  sequence: z
    .string()
    .min(1)
    .optional()
    .describe('Name of the sequence that the frames belong to. Default: the name of the folder of the first file.'),
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
  cacheBytes: z
    .number()
    .int()
    .nonnegative()
    .default(64 * 2 ** 20)
    .describe('Bytes of decoded pixels that are kept in memory, because encoder and renderers read the same frames.'),
  spillBytes: z
    .number()
    .int()
    .nonnegative()
    .default(4 * 2 ** 30)
    .describe(
      'Bytes of decoded pixels that are kept in the work folder beyond `cacheBytes`, so that none is decoded again.',
    ),
});

/** Options of `source/geotiff`, with their defaults. */
export type GeoTiffSourceOptions = z.output<typeof geotiffSourceOptions>;
