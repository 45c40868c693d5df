// The options that `source/zarr` and `source/netcdf` share.

import { z } from 'zod';
import { cacheOptions } from '@deepearth/vision/cache-options';
import { colorMapNames } from '@deepearth/vision/colormaps';

const percent = z.number().min(0).max(100);
const ascending = ([low, high]: readonly [number, number]): boolean => low < high;
const pair = (values: z.ZodType<number>) =>
  z.tuple([values, values]).refine(ascending, 'the first is less than the second');

const position = z.union([
  z.number(),
  z.string().min(1),
  z.strictObject({ index: z.number().int().nonnegative().describe('Position along the axis, from 0.') }),
]);
const band = z.union([z.number(), z.string().min(1)]);
const name = z.string().min(1);

/** Which values of a cube become frames, and how they are shown. */
export const cubeOptions = z.strictObject({
  variable: z
    .union([name, z.tuple([name]), z.tuple([name, name, name])])
    .optional()
    .describe(
      'The variable that is shown, with its groups ("quality/flags"); or three that become red, green and blue. Default: the only one that has rows and columns.',
    ),
  axes: z
    .strictObject({
      time: name.optional().describe('The axis along which frames follow one another.'),
      y: name.optional().describe('The axis of rows.'),
      x: name.optional().describe('The axis of columns.'),
    })
    .default({})
    .describe('Names of axes, where attributes and usual names do not tell.'),
  select: z
    .record(name, position)
    .default({})
    .describe(
      'Where to cut the other axes: `{ level: 850 }` takes the nearest value of the coordinate, `{ band: B04 }` a name, `{ level: { index: 3 } }` a position.',
    ),
  bands: z
    .union([z.tuple([band]), z.tuple([band, band, band])])
    .optional()
    .describe(
      'Values of the one other axis that become red, green and blue, or the one that is grey: `[B04, B03, B02]`.',
    ),
  times: z
    .tuple([z.number().int(), z.number().int(), z.number().int()])
    .optional()
    .describe(
      'Steps from a frame to the times that are its red, green and blue: `[-2, -1, 0]` shows change as colour. Frames whose steps leave the series are left out.',
    ),
  colorMap: z
    .enum(colorMapNames)
    .optional()
    .describe('Colours for the values of one variable, from the low to the high end of the stretch. Default: grey.'),
  from: z
    .string()
    .regex(/^-?\d{4}/, 'it is no date: write it like "2024-01-31" or "2024-01-31T12:00"')
    .optional()
    .describe('The first date that is read, in the calendar of the file: "2024", "2024-01-31", "2024-01-31T12:00".'),
  to: z
    .string()
    .regex(/^-?\d{4}/, 'it is no date: write it like "2024-01-31" or "2024-01-31T12:00"')
    .optional()
    .describe('The last date that is read; "2024-01" is all of January.'),
  step: z.number().int().positive().default(1).describe('Every how many times are read.'),
  bounds: z
    .tuple([z.number(), z.number(), z.number(), z.number()])
    .refine(([west, south, east, north]) => west < east && south < north, 'it is [west, south, east, north]')
    .optional()
    .describe(
      'The part that is read, `[west, south, east, north]` in coordinates of the axes: pixels whose centres lie in it. Default: all.',
    ),
  crs: z
    .string()
    .min(1)
    .optional()
    .describe('The coordinate reference system, where the file does not say it: "EPSG:32633" or WKT.'),
  noData: z.number().optional().describe('A stored value that is no data, beside those that the file names.'),
  stretch: z
    .union([
      z.enum(['percentile', 'type']),
      z.strictObject({ percentile: pair(percent).describe('Percentiles of all values of the series.') }),
      z.strictObject({
        range: z
          .union([pair(z.number()), z.tuple([pair(z.number()), pair(z.number()), pair(z.number())])])
          .describe('Values, or those of red, green and blue.'),
      }),
    ])
    .optional()
    .describe(
      'Which values (after `scale_factor` and `add_offset`) become black and white, the same for the whole series: `percentile` (2 and 98 of all values), `{ percentile: [1, 99] }`, `{ range: [250, 310] }`, or `type`, the whole range of their type (1 for floats). Of three variables each has its own. Default: `percentile`; 8-bit values are left as they are.',
    ),
  values: z
    .enum(['uint8', 'stored'])
    .default('uint8')
    .describe(
      'What frames hold: 8-bit values after the stretch, or the values themselves, with the stretch beside them for encoders and drawing.',
    ),
  sequence: name.optional().describe('Name of the sequence that the frames belong to. Default: the name of the file.'),
  chunkCacheBytes: z
    .number()
    .int()
    .nonnegative()
    .default(128 * 2 ** 20)
    .describe('Bytes of decoded chunks that are kept in memory, because neighbouring times often share a chunk.'),
  ...cacheOptions,
});

/** Options of the two sources without where the data lie, with their defaults. */
export type CubeOptions = z.output<typeof cubeOptions>;
