// Writes pictures as animated GIFs, one for each layer and sequence.

import { outputFolder, refuse } from '@deepearth/core';
import { animationFile, defineAnimation } from '@deepearth/vision/animation';
import { z } from 'zod';
import { gifBytes } from './estimate.ts';
import { canDelay, longestDelaySeconds, longestEdge, sampleBytes } from './gif-frames.ts';
import { gifThread } from './gif-thread.ts';

const usualFolder = 'gif';

/** Options of `sink/gif`. */
export const gifOptions = z.strictObject({
  fps: z
    .number()
    .positive()
    .max(50)
    .default(12)
    .describe(
      'Pictures per second, from 0.00153 (a GIF says at most 655.35 s) to 50: browsers slow down anything faster.',
    ),
  loop: z.boolean().default(true).describe('Play again and again, or once.'),
  colors: z.number().int().min(2).max(256).default(256).describe('Number of colours of a picture, at most.'),
  palette: z
    .enum(['shared', 'frame'])
    .default('shared')
    .describe(
      'One palette for all pictures, chosen from the first ones and again when later ones look different; or one for each picture.',
    ),
  dither: z.boolean().default(true).describe('Hide the steps between colours with a fixed pattern.'),
  directory: outputFolder()
    .default(usualFolder)
    .describe(
      'Folder inside the output folder, "." for that itself. Where another stage would write the same names, it is the id of the stage.',
    ),
  file: animationFile,
});

/** The stage `sink/gif`. */
export const gif = defineAnimation({
  type: 'gif',
  summary: 'Writes pictures as animated GIFs, one for each layer (and sequence, where there are several).',
  options: gifOptions,
  examples: ['- type: sink/gif', '- type: sink/gif\n  with: { fps: 6, loop: false }'],
  noun: 'GIF',
  ending: 'gif',
  mediaType: 'image/gif',
  usualFolder,
  mostEdge: longestEdge,
  bytes: gifBytes,
  memoryBytes: () => sampleBytes,

  refuses: ({ options: { fps } }) =>
    canDelay(fps)
      ? undefined
      : refuse(
          `at ${fps} pictures per second one lasts ${Number((1 / fps).toPrecision(6))} s, and a GIF says at most ${longestDelaySeconds} s.`,
          { option: 'fps', remedy: 'Give at least 0.00153, or write pictures with sink/pictures.' },
        ),

  open: ({ signal }) => gifThread(signal),
  close: (thread) => thread.close(),
  start: ({ options, state }) => state.start(options),
});
