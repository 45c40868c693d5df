// Repeats every single frame to a clip, for pictures that are no sequence.

import { defineWindower } from '@deepearth/core';
import { z } from 'zod';
import { bySequence } from './by-sequence.ts';
import { clipOf, fill } from './clip.ts';
import { allFrames, clipSpec, wantFrames } from './spec.ts';

/** Options of `windower/still`. */
export const stillOptions = z.strictObject({
  size: z
    .number()
    .int()
    .positive()
    .default(16)
    .describe(
      'How often each picture is repeated. 16 is what the models were tried with; 2 is cheaper and gives other values.',
    ),
});

/** The stage `windower/still`. */
export const still = defineWindower({
  type: 'still',
  summary: 'Repeats each picture to a clip of its own.',
  options: stillOptions,
  examples: ['- type: windower/still', '- type: windower/still\n  with: { size: 2 }'],

  joins: 'merged',

  describe(_, { options: { size }, inputs }) {
    const refusal = wantFrames(inputs);
    if (refusal) return refusal;
    const { stream, counts } = allFrames(inputs);
    return { output: clipSpec(stream, size, counts) };
  },

  framesOf: (clips) => clips,

  process: (frames, context) =>
    bySequence(frames, context, (sequence) => {
      const { options, severalSequences } = context;
      const { first, end } = context.clipRange(sequence);
      let index = first;
      return {
        *push(frame) {
          if (index >= end) return;
          yield clipOf(index++, fill([frame], options.size), options.size - 1, severalSequences);
        },
        *end() {},
      };
    }),
});
