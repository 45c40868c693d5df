// Takes a fixed number of frames, evenly spread over the whole sequence, as one clip.

import { defineWindower, type Frame } from '@deepearth/core';
import { z } from 'zod';
import { bySequence } from './by-sequence.ts';
import { clipOf } from './clip.ts';
import { allFrames, clipSpec, wantFrames } from './spec.ts';

/** Options of `windower/uniform`. */
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

/** The stage `windower/uniform`. */
export const uniform = defineWindower({
  type: 'uniform',
  summary: 'Makes one clip of each sequence, of frames that are evenly spread over the whole of it.',
  options: uniformOptions,
  examples: ['- type: windower/uniform', '- type: windower/uniform\n  with: { size: 64, spacing: ends }'],

  joins: 'merged',

  describe(_, { options: { size }, inputs }) {
    const refusal = wantFrames(inputs);
    if (refusal) return refusal;
    const { stream, counts } = allFrames(inputs);
    const notes = (counts ?? []).map((count) =>
      count < size
        ? `${count} frames fill a clip of ${size}: some are repeated`
        : `${count - size} of ${count} frames are left out`,
    );
    return {
      output: clipSpec(stream, size, counts && counts.filter((count) => count > 0).length),
      // With one sequence nothing leaves before all of it came; with several, the first is out before the last comes.
      ...(counts?.length === 1 && { drains: true }),
      notes,
      // It holds the handles of all frames of a sequence (a few hundred bytes each): the spacing follows from their number.
      ...(counts && { memoryBytes: Math.max(...counts) * 512 }),
    };
  },

  async *process(frames, { options: { size, spacing }, severalSequences }) {
    for await (const { frames: own } of bySequence(frames)) {
      const all: Frame[] = [];
      for await (const frame of own) all.push(frame);
      const chosen = uniformIndices(all.length, size, spacing).map((i) => all[i]!);
      yield clipOf(0, chosen, 0, severalSequences);
    }
  },
});
