// Takes a fixed number of frames, evenly spread over the whole sequence, as one clip.

import { defineWindower, refuse, type Frame } from '@deepearth/core';
import { z } from 'zod';
import { clipOf } from './clip.ts';
import { clipSpec, wantFrames } from './spec.ts';

export const uniformOptions = z.strictObject({
  size: z.number().int().positive().default(16).describe('Frames in the clip.'),
  spacing: z
    .enum(['start', 'ends'])
    .default('start')
    .describe(
      '`start`: the first frame of each of `size` equal parts, as Hugging Face video processors sample; `ends`: the first and the last frame are always among them.',
    ),
});

/** Which of `count` frames are taken; some repeat where there are fewer than `size`. */
export const uniformIndices = (count: number, size: number, spacing: 'start' | 'ends'): number[] =>
  Array.from({ length: size }, (_, i) =>
    spacing === 'start' ? Math.floor((i * count) / size) : size === 1 ? 0 : Math.round((i * (count - 1)) / (size - 1)),
  );

export const uniform = defineWindower({
  type: 'uniform',
  summary: 'Makes one clip of frames that are evenly spread over the whole sequence.',
  options: uniformOptions,
  examples: ['- type: windower/uniform', '- type: windower/uniform\n  with: { size: 64, spacing: ends }'],

  describe(input, { options: { size } }) {
    const refusal = wantFrames(input);
    if (refusal || !input) return refusal ?? refuse('a windower takes frames.');
    const notes =
      input.count === null
        ? []
        : input.count < size
          ? [`${input.count} frames fill a clip of ${size}: some are repeated`]
          : [`${input.count - size} of ${input.count} frames are left out`];
    // It holds the handles of all frames (a few hundred bytes each), because the spacing follows from their number.
    return {
      output: clipSpec(input, size, input.count === 0 ? 0 : 1),
      drains: true,
      notes,
      ...(input.count !== null && { memoryBytes: input.count * 512 }),
    };
  },

  async *process(frames, { options: { size, spacing } }) {
    const all: Frame[] = [];
    for await (const frame of frames) all.push(frame);
    if (all.length === 0) return;
    yield clipOf(
      0,
      uniformIndices(all.length, size, spacing).map((i) => all[i]!),
      0,
    );
  },
});
