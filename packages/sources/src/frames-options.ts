// The options of `source/frames`.

import { basename, resolve } from 'node:path';
import { z } from 'zod';
import { shortened } from '@deepearth/core/printable';
import { isTimeZone } from './instant.ts';
import { nameExpression } from './name-expression.ts';
import { orders } from './order-frames.ts';
import { timeGroups } from './time-in-name.ts';

const whole = z.number().int().nonnegative();

const band = z.union([z.number().int().positive(), z.string().min(1)]);
const percent = z.number().min(0).max(100);
const ascending = ([low, high]: readonly [number, number]): boolean => low < high;

const expression = z.string().superRefine((text, { addIssue }) => {
  try {
    nameExpression(text);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    addIssue({ code: 'custom', message: shortened(message, 300) });
  }
});

/** Options of `source/frames`. */
export const framesOptions = z.strictObject({
  directory: z.string().min(1).describe('The folder that holds the pictures: PNG, JPEG, WebP, TIFF or AVIF.'),
  recursive: z
    .union([z.boolean(), z.literal('one')])
    .default(false)
    .describe(
      'Whether the folders in it are read too: true takes each for a sequence of its own (a camera), `one` takes all for one sequence.',
    ),
  pattern: expression
    .optional()
    .describe(
      'Regular expression for file names (in the notation of JavaScript, without looking ahead and back references); its group `number`, or its first group, is the frame number. Default: every picture.',
    ),
  order: z
    .enum(orders)
    .optional()
    .describe(
      'What frames are ordered by. Default: `time`, where names or EXIF data say when pictures were taken; else `number`, the last digits of names; else `name`. By time or name, a frame is numbered by its position from 0, unless `pattern` has a number.',
    ),
  time: expression
    .refine((text) => /\(\?<(?:year|epoch)>/.test(text), 'it needs a group `year` or `epoch`')
    .optional()
    .describe(
      `Regular expression for file names whose named groups say when a picture was taken: ${timeGroups.join(', ')}. Default: the usual notations are recognised.`,
    ),
  timeZone: z
    .string()
    .refine(isTimeZone, 'it is no time zone: name one like "Europe/Berlin", or an offset like "+02:00"')
    .default('UTC')
    .describe('Of times that are written down without an offset: an IANA name or an offset.'),
  maxGapSeconds: z
    .number()
    .positive()
    .optional()
    .describe('A longer pause between two frames begins a new sequence. Default: pauses are not looked at.'),
  first: whole.optional().describe('The first frame number to read. Default: the lowest there is.'),
  last: whole.optional().describe('The last frame number to read. Default: the highest there is.'),
  fps: z
    .number()
    .positive()
    .optional()
    .describe('Frames per second of recording; gives frames their time. Not together with `intervalSeconds`.'),
  intervalSeconds: z
    .number()
    .positive()
    .optional()
    .describe('Seconds from one frame number to the next; gives frames their time.'),
  gaps: z
    .enum(['warn', 'error'])
    .default('warn')
    .describe('What missing frame numbers are: a warning that lists them, or an error.'),
  duplicates: z
    .enum(['error', 'first'])
    .default('error')
    .describe('Two files with one number: an error, or take the first by name and warn.'),
  sizes: z.enum(['same', 'any']).default('same').describe('Whether all frames must have the size of the first.'),
  pages: z
    .enum(['all', 'first'])
    .default('all')
    .describe('Whether every picture of a file of several is a frame (a TIFF stack, an animation), or only its first.'),
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
    ])
    .optional()
    .describe(
      'Which values become black and white, the same for the whole series, for encoder and drawing: `percentile` (2 and 98 of all values), `{ percentile: [1, 99] }`, `{ range: [0, 3000] }`, or `type`, the whole range of their type (1 for floats). Default: `percentile` for pictures of more than 8 bits; 8-bit ones are left as they are.',
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
  sequence: z
    .string()
    .min(1)
    .optional()
    .describe('Name of the sequence that the frames belong to. Default: the name of the folder.'),
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

/** Options of `source/frames`, with their defaults. */
export type FramesOptions = z.output<typeof framesOptions>;

/** Seconds from one number to the next, where the options say so. */
export const intervalOf = ({ intervalSeconds, fps }: FramesOptions): number | undefined =>
  intervalSeconds ?? (fps === undefined ? undefined : 1 / fps);

/** Name of the sequence of the folder itself: its own, whatever the path to it. */
export const sequenceOf = ({ sequence, directory }: FramesOptions): string =>
  sequence ?? (basename(resolve(directory)) || 'frames');
