// The options of `source/watch`.

import { cacheOptions } from '@deepearth/vision/cache-options';
import { z } from 'zod';
import { expression, timeExpression, timeZone } from './expression-options.ts';
import { pictureOptions } from './picture-options.ts';

/** What a watched folder can be ordered by. */
export const watchOrders = ['time', 'number', 'name', 'arrival'] as const;
/** By time, by number, by name, or as files come. */
export type WatchOrder = (typeof watchOrders)[number];

const seconds = z.number().positive();

/** Options of `source/watch`. */
export const watchOptions = z.strictObject({
  directory: z.string().min(1).describe('The folder that pictures are written to; it has to be there.'),
  recursive: z
    .boolean()
    .default(false)
    .describe('Whether the folders in it are watched too, each as a sequence of its own (a camera).'),
  pattern: expression
    .optional()
    .describe(
      'Regular expression for names of files that are whole or being written (in the notation of JavaScript, without looking ahead and back references); its group `number`, or its first group, is the frame number. Default: every picture.',
    ),
  stableSeconds: seconds
    .default(2)
    .describe('A file whose size and time of change stay the same for so long is taken to be whole.'),
  patienceSeconds: seconds
    .default(30)
    .describe(
      'How long a file that is quiet and cannot be read as a picture may stay as it is before it counts as damaged, and how long later frames wait for an earlier one that is being written.',
    ),
  pollSeconds: seconds
    .default(1)
    .describe('How often the folder is looked at. It is listed, so that network disks are watched like others.'),
  idleEndSeconds: seconds
    .optional()
    .describe('The run ends well when nothing has come for so long. Default: it goes on until it is stopped (Ctrl-C).'),
  order: z
    .enum(watchOrders)
    .optional()
    .describe(
      'What frames are ordered by. Default: `time`, where the first names or EXIF data say when pictures were taken; else `arrival`, when they were written. Frames are numbered by position from 0, unless `pattern` has a number or the order is `number`.',
    ),
  time: timeExpression('file names', 'the usual notations are recognised'),
  timeZone,
  late: z
    .enum(['warn', 'error'])
    .default('warn')
    .describe(
      'What a picture is that comes when a later one has been sent: left out with a warning and counted, or an error (a skipped item with `onError: skip`).',
    ),
  sequence: z
    .string()
    .min(1)
    .optional()
    .describe('Name of the sequence that the frames belong to. Default: the name of the folder.'),
  sizes: z
    .enum(['same', 'any'])
    .default('same')
    .describe('Whether all frames of a sequence must have the size of its first.'),
  ...pictureOptions,
  ...cacheOptions,
});

/** Options of `source/watch`, with their defaults. */
export type WatchOptions = z.output<typeof watchOptions>;
