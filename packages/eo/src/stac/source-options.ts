// The options of `source/stac`.

import { z } from 'zod';
import { hasRule, maskRuleOptions } from '../geotiff/mask-rule.ts';
import { bandOption, partOptions, readingOptions, valueOptions } from '../geotiff/series-options.ts';

const key = z.string().min(1);

/** Options of `source/stac`. */
export const stacSourceOptions = z.strictObject({
  items: z
    .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
    .describe(
      'Where the items stand: a search result that was saved (an item collection), an item, a catalog or collection with links to its items; a file, an address (https://…), a folder or pattern of JSON files, or a list of these.',
    ),
  assets: z
    .union([key, z.array(key).min(1)])
    .optional()
    .describe(
      'Keys of the assets whose bands are read, put together in this order: `visual`, or [red, green, blue] where each band is a file. Where there is no such key, the common name of its one band (`eo:common_name`) is meant. Default: `visual` where items have it, else red, green and blue, else the only asset of the role `data`.',
    ),
  ...valueOptions,
  bands: valueOptions.bands.describe(
    'Which bands of the assets are red, green and blue, or the one that is grey: numbers from 1 through all assets, or names. An asset with one band gives it its key, as [nir, red, green]; others have the names that the item or the file gives. Default: the bands that a file calls red, green and blue; else the first three, or the first.',
  ),
  scaled: z
    .boolean()
    .default(true)
    .describe(
      'Whether `scale` and `offset` of the items are applied (`bands`, `raster:bands`). Items of Earth Search whose `earthsearch:boa_offset_applied` is true have their offset in the files already, and it is not applied again.',
    ),
  mask: z
    .strictObject({
      asset: key.describe('Key of the asset.'),
      band: bandOption.optional().describe('Number or name of its band; the first by default.'),
      ...maskRuleOptions,
    })
    .refine(hasRule, 'it says of no value that it marks pixels: give `invalid`, `bits`, `above` or `below`')
    .optional()
    .describe(
      'An asset that says which pixels count, beside nodata and masks of the files: { asset: scl, invalid: [0, 1, 3, 8, 9, 10] } for clouds and shadows of Sentinel-2, { asset: qa_pixel, bits: [1, 2, 3, 4] } for Landsat. Its pixels may be larger: the one in which the centre of a pixel lies counts. Pixels beyond it do not count.',
    ),
  maxCloudCover: z
    .number()
    .min(0)
    .max(100)
    .optional()
    .describe(
      'Percent. Items with a greater `eo:cloud_cover`, and those without one, are left out; the plan says how many.',
    ),
  sequences: z
    .enum(['tile', 'collection', 'one'])
    .default('tile')
    .describe(
      'What is a sequence: the items of one `tile` of a collection (`grid:code`, `s2:mgrs_tile`, `mgrs:…`, `landsat:wrs_path` and `landsat:wrs_row`), of one `collection`, or all of them.',
    ),
  grid: z
    .strictObject({
      asset: key.optional().describe('Key of the asset whose pixels are taken. Default: the smallest ones.'),
      bounds: z
        .tuple([z.number(), z.number(), z.number(), z.number()])
        .refine(([left, bottom, right, top]) => left < right && bottom < top, 'left, bottom, right, top')
        .optional()
        .describe(
          'Left, bottom, right and top in the coordinate system of the items. For items that each end somewhere else, as those of Landsat: beyond an item no pixel holds data.',
        ),
      resolution: z
        .number()
        .positive()
        .optional()
        .describe('Edge of a pixel, in units of the coordinate system (metres, mostly).'),
    })
    .optional()
    .describe(
      'Which pixels frames have, where assets differ or for a part of them. Default: those of the asset with the smallest pixels.',
    ),
  resampling: z
    .enum(['nearest', 'bilinear'])
    .default('nearest')
    .describe(
      'How assets with other pixels are brought to those of frames: `nearest` keeps values as they are. Masks are nearest in any case.',
    ),
  ...partOptions,
  ...readingOptions,
});

/** Options of `source/stac`, with their defaults. */
export type StacSourceOptions = z.output<typeof stacSourceOptions>;
