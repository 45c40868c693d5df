// Takes a fixed number of frames, evenly spread over the whole sequence, as one clip.

import { defineWindower, type Frame } from '@deepearth/core';
import { z } from 'zod';
import { bySequence } from './by-sequence.ts';
import { clipOf } from './clip.ts';
import { timeOf } from './frame-time.ts';
import { allFrames, clipSpec, sizeWarnings, wantFrames } from './spec.ts';

/** Options of `windower/uniform`. */
export const uniformOptions = z.strictObject({
  size: z.number().int().positive().default(16).describe('Frames in the clip.'),
  spacing: z
    .enum(['start', 'ends', 'time'])
    .default('start')
    .describe(
      '`start`: the first frame of each of `size` equal parts, as Hugging Face video processors sample; `ends`: the first and the last frame are always among them; `time`: the frames that are on the screen at `size` moments, evenly spread over the time of the sequence, where frames come at an uneven pace.',
    ),
});

/** Which of `count` frames are taken; some repeat where there are fewer than `size`. */
export const uniformIndices = (count: number, size: number, spacing: 'start' | 'ends'): number[] =>
  Array.from({ length: size }, (_, i) =>
    spacing === 'start' ? Math.floor((i * count) / size) : size === 1 ? 0 : Math.round((i * (count - 1)) / (size - 1)),
  );

/**
 * Which frames, by their ascending times, are on the screen at `size` moments; the last one stays as long as the one
 * before.
 */
export function uniformInTime(times: readonly number[], size: number): number[] {
  const [start, last] = [times[0]!, times.at(-1)!];
  const span = last - start + (last - (times.at(-2) ?? last));
  let at = 0;
  return Array.from({ length: size }, (_, i) => {
    // Times are sums of decimal fractions.
    const moment = start + (i * span) / size + 1e-6;
    while (at + 1 < times.length && times[at + 1]! <= moment) at++;
    return at;
  });
}

/** The stage `windower/uniform`. */
export const uniform = defineWindower({
  type: 'uniform',
  summary: 'Makes one clip of each sequence, of frames that are evenly spread over the whole of it.',
  options: uniformOptions,
  examples: ['- type: windower/uniform', '- type: windower/uniform\n  with: { size: 64, spacing: time }'],

  joins: 'merged',

  describe(_, { options: { size }, inputs }) {
    const refusal = wantFrames(inputs);
    if (refusal) return refusal;
    const { stream, counts } = allFrames(inputs);
    const interleaved = inputs.some((input) => input.spec.interleaved);
    const repeats = (counts ?? []).flatMap((count) =>
      count > 0 && count < size
        ? [`${count} frames fill a clip of ${size}: ${Math.round(((size - count) / size) * 100)} % of it are repeats`]
        : [],
    );
    const notes = (counts ?? []).flatMap((count) =>
      count > size ? [`${count - size} of ${count} frames are left out`] : [],
    );
    return {
      output: {
        ...clipSpec(stream, size, counts && counts.map((count) => Math.min(count, 1))),
        interleaved: false,
      },
      // With one sequence, or when they come in turns, nothing leaves before all has come; else the first is out before
      // the last comes.
      ...((counts?.length === 1 || interleaved) && { drains: true }),
      warnings: [...sizeWarnings(inputs, size), ...new Set(repeats)],
      notes: [...new Set(notes)],
      // It holds the handles of all frames of a sequence (about 1 KB each): the spacing follows from their number.
      ...(counts && { memoryBytes: counts.reduce((a, b) => (interleaved ? a + b : Math.max(a, b)), 0) * 1024 }),
    };
  },

  process: (frames, context) =>
    bySequence(frames, context, () => {
      const all: Frame[] = [];
      const { size, spacing } = context.options;
      return {
        *push(frame) {
          all.push(frame);
        },
        *end() {
          const indices =
            spacing === 'time' ? uniformInTime(all.map(timeOf), size) : uniformIndices(all.length, size, spacing);
          const chosen = indices.map((i) => all[i]!);
          yield clipOf(0, chosen, 0, context.severalSequences);
        },
      };
    }),
});
