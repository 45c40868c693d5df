// The options of `source/list`.

import { cacheOptions } from '@deepearth/vision/cache-options';
import { z } from 'zod';
import { timeExpression, timeZone } from './expression-options.ts';
import { pictureOptions } from './picture-options.ts';

/** What a list can be ordered by, within a sequence. */
export const listOrders = ['time', 'number', 'list'] as const;

const column = (what: string, names: string) =>
  z.string().min(1).optional().describe(`Of ${what}. Default: the first of ${names} that there is.`);

/** Options of `source/list`. */
export const listOptions = z.strictObject({
  path: z
    .string()
    .min(1)
    .describe(
      'The list: CSV (commas, semicolons, tabs or bars, with a line of column names) or JSON lines; `media.csv` of a Camtrap DP package too.',
    ),
  directory: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Where relative paths of pictures start: a folder, `https://…` or `s3://bucket/prefix`. Default: the folder that the list is in.',
    ),
  columns: z
    .strictObject({
      path: column('paths of pictures', '`path`, `file`, `filePath`, `image`, `filename`'),
      time: column('times', '`timestamp`, `datetime`, `time`, `date`'),
      sequence: column('names of sequences', '`sequence`, `camera`, `site`, `deployment`, `deploymentID`'),
      number: column('frame numbers', '`number`, `frame`'),
      latitude: column('degrees north', '`latitude`, `lat`, `decimalLatitude`'),
      longitude: column('degrees east', '`longitude`, `lon`, `lng`, `decimalLongitude`'),
      mediaType: column('media types', '`mediaType`, `fileMediatype`'),
    })
    .prefault({})
    .describe(
      'Names of the columns, in any case; in JSON, `location.lat` is a field of an object. All further columns are kept as metadata of the frames.',
    ),
  order: z
    .enum(listOrders)
    .optional()
    .describe(
      'What the frames of a sequence are ordered by. Default: `time` where there is such a column, else `number`, else the order of the list.',
    ),
  time: timeExpression(
    'the text of the column of times',
    'ISO 8601 and what is close to it, and seconds or milliseconds since 1970',
  ),
  timeZone,
  sequence: z
    .string()
    .min(1)
    .optional()
    .describe('Name of the sequence where the list names none. Default: the name of the list without its ending.'),
  maxGapSeconds: z
    .number()
    .positive()
    .optional()
    .describe('A longer pause between two frames begins a new sequence. Default: pauses are not looked at.'),
  duplicates: z
    .enum(['error', 'first'])
    .default('error')
    .describe('Two rows of one sequence with one picture or one number: an error, or take the first and warn.'),
  sizes: z
    .enum(['same', 'any'])
    .default('same')
    .describe('Whether all frames of a sequence must have the size of its first.'),
  ...pictureOptions,
  ...cacheOptions,
});

/** Options of `source/list`, with their defaults. */
export type ListOptions = z.output<typeof listOptions>;
