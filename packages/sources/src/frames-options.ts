// The options of `source/frames`.

import { basename, resolve } from 'node:path';
import { cacheOptions } from '@deepearth/vision/cache-options';
import { z } from 'zod';
import { expression, timeExpression, timeZone } from './expression-options.ts';
import { orders } from './order-frames.ts';
import { pictureOptions } from './picture-options.ts';

const whole = z.number().int().nonnegative();

/** Options of `source/frames`. */
export const framesOptions = z.strictObject({
  directory: z
    .string()
    .min(1)
    .describe('The folder that holds the pictures (PNG, JPEG, WebP, TIFF or AVIF), or `s3://bucket/prefix`.'),
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
  time: timeExpression('file names', 'the usual notations are recognised'),
  timeZone,
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
  ...pictureOptions,
  sequence: z
    .string()
    .min(1)
    .optional()
    .describe('Name of the sequence that the frames belong to. Default: the name of the folder.'),
  ...cacheOptions,
});

/** Options of `source/frames`, with their defaults. */
export type FramesOptions = z.output<typeof framesOptions>;

/** Seconds from one number to the next, where the options say so. */
export const intervalOf = ({ intervalSeconds, fps }: FramesOptions): number | undefined =>
  intervalSeconds ?? (fps === undefined ? undefined : 1 / fps);

/** Name of the sequence of the folder itself: its own, whatever the path to it. */
export const sequenceOf = ({ sequence, directory }: FramesOptions): string =>
  sequence ?? (basename(resolve(directory)) || 'frames');
