// Repeats every single frame to a clip, for pictures that are no sequence.

import { defineWindower, refuse, type Frame } from '@deepearth/core';
import { z } from 'zod';
import { clipOf, fill } from './clip.ts';
import { clipSpec, wantFrames } from './spec.ts';

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

export const still = defineWindower({
  type: 'still',
  summary: 'Repeats each picture to a clip of its own.',
  options: stillOptions,
  examples: ['- type: windower/still', '- type: windower/still\n  with: { size: 2 }'],

  describe(input, { options: { size } }) {
    const refusal = wantFrames(input);
    return refusal || !input
      ? (refusal ?? refuse('a windower takes frames.'))
      : { output: clipSpec(input, size, input.count) };
  },

  async *process(frames: AsyncIterable<Frame>, { options: { size } }) {
    let index = 0;
    for await (const frame of frames) yield clipOf(index++, fill([frame], size), size - 1);
  },
});
