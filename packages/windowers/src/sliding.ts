// Cuts a sequence of frames into clips of one length, of frames or of time, at equal distances.

import {
  defineWindower,
  InputError,
  refuse,
  sourceName,
  type Frame,
  type Refusal,
  type StageContext,
} from '@deepearth/core';
import { z } from 'zod';
import { bySequence, type Windowing } from './by-sequence.ts';
import { clipOf, fill } from './clip.ts';
import { allFrames, clipSpec, sizeWarnings, wantFrames } from './spec.ts';
import { splitAtGaps, type CountingWindowing } from './split-at-gaps.ts';
import { timeWindows } from './time-windows.ts';

/** Options of `windower/sliding`. */
export const slidingOptions = z.strictObject({
  size: z.number().int().positive().default(16).describe('Frames in a clip.'),
  stride: z
    .number()
    .int()
    .positive()
    .optional()
    .describe('Frames from the start of one clip to the start of the next. Default: `size`, clips side by side.'),
  durationSeconds: z
    .number()
    .positive()
    .optional()
    .describe(
      'Makes clips by time: each lasts so long and has the frames that are on the screen at `size` moments, evenly spread over it, whatever the pace of the frames. Default: clips are `size` frames one after the other.',
    ),
  strideSeconds: z
    .number()
    .positive()
    .optional()
    .describe(
      'With `durationSeconds`: seconds from the start of one clip to the start of the next. Default: `durationSeconds`, clips side by side.',
    ),
  maxGapSeconds: z
    .number()
    .positive()
    .optional()
    .describe(
      'No clip joins two frames with a longer pause between them: it ends there, and what is left becomes of it what `tail` says. Default: with `durationSeconds` as long as that, else pauses are not looked at.',
    ),
  tail: z
    .enum(['pad', 'shift', 'drop', 'error'])
    .default('pad')
    .describe(
      'What becomes of last frames that fill no clip: `pad` repeats the last frame, `shift` starts the last clip earlier so that it is full (and overlaps more), `drop` leaves them out and warns, `error` stops.',
    ),
});

/** How many clips a number of frames makes, and how many frames are left. */
export interface WindowCount {
  /** Clips that are full by themselves. */
  readonly full: number;
  /** Last frames that are in none of them; at most `size - 1` unless clips are farther apart than they are long. */
  readonly left: number;
}

/**
 * How many clips `count` frames make. Frames between clips that are farther apart than they are long belong to no clip
 * and are not `left`.
 */
export function windowCount(count: number, size: number, stride: number): WindowCount {
  const full = count < size ? 0 : Math.floor((count - size) / stride) + 1;
  const next = full * stride;
  const covered = full === 0 ? 0 : (full - 1) * stride + size;
  return { full, left: Math.max(0, count - Math.max(next, covered)) };
}

/** The stage `windower/sliding`. */
export const sliding = defineWindower({
  type: 'sliding',
  summary:
    'Cuts each sequence into clips of `size` frames, one every `stride` frames, or into clips of equal duration.',
  options: slidingOptions,
  examples: [
    '- type: windower/sliding',
    '- type: windower/sliding\n  with: { size: 16, stride: 8, tail: shift }',
    '- type: windower/sliding\n  with: { durationSeconds: 4, strideSeconds: 2, maxGapSeconds: 10 }',
  ],

  joins: 'merged',

  describe(_, { options, inputs }) {
    const { size, stride = size, tail, durationSeconds, strideSeconds = durationSeconds } = options;
    const refusal = wantFrames(inputs) ?? mixed(options);
    if (refusal) return refusal;
    const { stream, counts: known } = allFrames(inputs);
    if (durationSeconds !== undefined)
      return {
        output: {
          ...clipSpec(stream, size, null),
          ...((strideSeconds! < durationSeconds || tail === 'shift') && { overlapping: true }),
        },
      };
    // How many frames lie between pauses shows when they come.
    const counts = options.maxGapSeconds === undefined ? known : null;
    const notes =
      stride > size
        ? [`${stride - size} of every ${stride} frames are in no clip, because \`stride\` is larger than \`size\``]
        : [];
    const warnings = sizeWarnings(inputs, size);
    const clips: number[] = [];
    for (const count of counts ?? []) {
      const { full, left } = windowCount(count, size, stride);
      if (left && tail === 'error')
        return refuse(`${tooShort(left, size)}.`, {
          option: 'tail',
          remedy: 'Choose `pad`, `shift` or `drop`, or another `size` or `stride`.',
        });
      clips.push(full + (left && tail !== 'drop' ? 1 : 0));
      if (left && tail === 'pad') warnings.push(paddedClip(count - full * stride, size));
      else if (left) notes.push(tailNote(tail, left, size, count));
    }
    // A last clip that is shifted begins inside of the one before.
    const shifted =
      tail === 'shift' && (counts ?? [null]).some((count) => count === null || windowCount(count, size, stride).left);
    const output = {
      ...clipSpec(stream, size, counts && clips),
      ...((stride < size || shifted) && { overlapping: true }),
    };
    return { output, warnings: [...new Set(warnings)], notes: [...new Set(notes)] };
  },

  framesOf: ({ first, end }, { size, stride = size, tail, durationSeconds, maxGapSeconds }) =>
    durationSeconds !== undefined || maxGapSeconds !== undefined
      ? undefined
      : {
          // A last clip that is shifted begins up to a whole clip earlier.
          first: Math.max(0, first * stride - (tail === 'shift' ? size : 0)),
          end: (end - 1) * stride + size,
        },

  process: (frames, context) => bySequence(frames, context, (sequence) => windowingOf(context, sequence)),
});

/** Refuses options of which one has no meaning beside another. */
function mixed({ stride, durationSeconds, strideSeconds }: Context['options']): Refusal | undefined {
  if (durationSeconds !== undefined && stride !== undefined)
    return refuse('both `stride` and `durationSeconds` are given.', {
      option: 'stride',
      remedy: 'With `durationSeconds` clips begin every `strideSeconds`.',
    });
  if (durationSeconds === undefined && strideSeconds !== undefined)
    return refuse('`strideSeconds` is given without `durationSeconds`.', {
      option: 'strideSeconds',
      remedy: 'Say how long a clip is with `durationSeconds`, or count frames with `stride`.',
    });
  return undefined;
}

/** The clips of one sequence, by number or by time. */
function windowingOf(context: Context, sequence: string): Windowing {
  const { options, severalSequences, log } = context;
  const { size, tail, durationSeconds, strideSeconds = durationSeconds, maxGapSeconds = durationSeconds } = options;
  if (maxGapSeconds === undefined) return windowing(context, sequence);
  return splitAtGaps(maxGapSeconds, (first) =>
    durationSeconds === undefined
      ? windowing(context, sequence, first)
      : timeWindows({
          ...{ size, tail, first, severalSequences, durationSeconds, strideSeconds: strideSeconds! },
          warn: (message) => log.warn(message),
        }),
  );
}

type Context = StageContext<z.output<typeof slidingOptions>>;

/** Clips of so many frames; `first` is the index of the first. */
function windowing(
  { options, inputs, log, clipRange, frameRange, severalSequences }: Context,
  sequence: string,
  first = clipRange(sequence).first,
): CountingWindowing {
  const { size, stride = size, tail } = options;
  const { end } = clipRange(sequence);
  let index = first;
  let window: Frame[] = [];
  // `shift` needs the frames before the last ones again; handles only, no pixels.
  let former: Frame[] = [];
  let skip = clipRange(sequence).first * stride - frameRange(sequence).first;
  let fresh = 0;
  let seen = 0;

  return {
    next: () => index,

    *push(frame) {
      if (index >= end) return;
      seen++;
      if (tail === 'shift') former = [...former.slice(-(size - 1)), frame];
      if (skip > 0) {
        skip--;
        return;
      }
      window.push(frame);
      fresh++;
      if (window.length < size) return;
      const full = window;
      skip = Math.max(0, stride - size);
      window = window.slice(Math.min(stride, size));
      fresh = 0;
      yield clipOf(index++, full, 0, severalSequences);
    },

    *end() {
      // Frames after the last clip of a range belong to the part that comes next.
      if (fresh === 0 || index >= end) return;
      if (tail === 'error')
        throw new InputError(sourceName(window.at(-1)!), `${tooShort(fresh, size)}.`, {
          code: 'E_SHORT_TAIL',
          remedy: 'Choose `tail: pad`, `shift` or `drop`.',
        });
      if (tail === 'drop')
        return log.warn(`${tailNote(tail, fresh, size, seen)} (${window.at(-fresh)!.id} to ${window.at(-1)!.id})`);
      if (tail === 'shift' && former.length === size) yield clipOf(index++, former, 0, severalSequences);
      else {
        // Where the plan knew how many frames come, it has said so.
        if (
          tail === 'pad' &&
          (options.maxGapSeconds !== undefined || inputs.some((input) => input.spec.count === null))
        )
          log.warn(paddedClip(window.length, size));
        yield clipOf(index++, fill(window, size), size - window.length, severalSequences);
      }
    },
  };
}

const tooShort = (left: number, size: number): string =>
  `the last ${left} ${left === 1 ? 'frame fills' : 'frames fill'} no clip of ${size}`;

/** What is said of a last clip that holds `real` frames and repeats the last of them. */
const paddedClip = (real: number, size: number): string =>
  `the last clip has ${real} ${real === 1 ? 'frame' : 'frames'} and repeats the last one: ${Math.round(((size - real) / size) * 100)} % of it is padding`;

function tailNote(tail: 'pad' | 'shift' | 'drop' | 'error', left: number, size: number, count: number): string {
  const what = tooShort(left, size);
  if (tail === 'drop') return `${what} and ${left === 1 ? 'is' : 'are'} dropped`;
  return tail === 'shift' && count >= size
    ? `${what}; the last clip starts earlier and overlaps the one before`
    : `${what}; the last frame is repeated`;
}
