// The options of `source/geotiff`.

import { isTimeZone } from '@deepearth/vision/instant';
import { z } from 'zod';
import { hasRule, maskRuleOptions } from './mask-rule.ts';
import { bandOption, partOptions, readingOptions, valueOptions } from './series-options.ts';

/** Options of `source/geotiff`. */
export const geotiffSourceOptions = z.strictObject({
  files: z
    .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
    .describe(
      'The rasters of one series: a file, a folder, a pattern ("scenes/*.tif"; ** for folders of any depth), an address (https://…), or a list of these.',
    ),
  ...valueOptions,
  mask: z
    .strictObject({
      band: bandOption.optional().describe('Number or name of the band; of another `file` the first one by default.'),
      file: z
        .union([
          z.string().min(1),
          z.strictObject({
            replace: z.string().min(1).describe('Text in the path of a raster; where it stands last is meant.'),
            by: z.string().describe('What stands there in the path of its mask.'),
          }),
        ])
        .optional()
        .describe(
          'A raster beside that holds the mask: one for all, or one for each, found by its path: { replace: _B4.TIF, by: _QA_PIXEL.TIF }. It may have other pixels; that which the centre of a pixel lies in counts.',
        ),
      ...maskRuleOptions,
    })
    .refine(hasRule, 'it says of no value that it marks pixels: give `invalid`, `bits`, `above` or `below`')
    .refine(({ band, file }) => band !== undefined || file !== undefined, 'it names neither a band nor a file')
    .optional()
    .describe(
      'A band, or a raster beside, that says which pixels count, beside nodata and masks of the file: { band: SCL, invalid: [0, 1, 3, 8, 9, 10, 11] } for clouds and shadows of Sentinel-2. Pixels beyond a mask do not count.',
    ),
  ...partOptions,
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
  ...readingOptions,
});

/** Options of `source/geotiff`, with their defaults. */
export type GeoTiffSourceOptions = z.output<typeof geotiffSourceOptions>;
