// Keeps what is known of sequences that grow, and makes their next frames.

import { basename, resolve } from 'node:path';
import { frameId, type Frame, type StageContext } from '@deepearth/core';
import { nameSet, type NameSet } from '@deepearth/core/name-set';
import type { Size } from './frame-size.ts';
import { isoOf, secondsBetween, type Instant } from './instant.ts';
import { sequenceOfFile } from './listing.ts';
import type { KnownPicture, PictureFrames } from './picture-frames.ts';
import type { WatchOptions } from './watch-options.ts';
import type { FilePlace } from './watch-order.ts';

/** What is known of a sequence while it grows. */
export interface Growing {
  readonly name: string;
  /** Frames so far: the number of the next, unless its name has one. */
  count: number;
  /** Numbers that were given. */
  readonly numbers: NameSet;
  /** When its first frame was taken. */
  start?: Instant | undefined;
  last?: (FilePlace & { readonly file: string }) | undefined;
  /** That of its frames. */
  size?: Size | undefined;
}

/** A file that becomes the next frame of its sequence. */
export interface NextFrame {
  readonly file: string;
  readonly place: FilePlace;
  readonly number: number;
}

/** The sequences of a folder. */
export interface GrowingSequences {
  named(name: string): Growing;
  of(file: string): Growing;
  /** Adds a frame to its sequence. `undefined` for one outside of the range of the run, which is counted alone. */
  add(sequence: Growing, next: NextFrame, picture: KnownPicture): Frame | undefined;
  /** Whether all of the range was sent; never so where there may be further sequences. */
  complete(): boolean;
}

/** Name of the sequence of the folder itself. */
export const ownSequence = ({ sequence, directory }: Pick<WatchOptions, 'sequence' | 'directory'>): string =>
  sequence ?? (basename(resolve(directory)) || 'frames');

/** Starts without any; `size` is that of all frames, where it is known before. */
export function growingSequences(
  {
    options,
    frameRange,
    severalSequences,
    progress,
  }: Pick<StageContext<WatchOptions>, 'options' | 'frameRange' | 'severalSequences' | 'progress'>,
  pictures: Pick<PictureFrames, 'frame'>,
  size: Size | undefined,
): GrowingSequences {
  const { sequence: given, recursive } = options;
  const own = ownSequence(options);
  const all = new Map<string, Growing>();
  let sent = 0;

  const named = (name: string): Growing => {
    const sequence = all.get(name) ?? { name, count: 0, numbers: nameSet(), size };
    all.set(name, sequence);
    return sequence;
  };
  return {
    named,
    of: (file) => named(sequenceOfFile(file, { own, sequence: given, recursive })),
    add(sequence, { file, place, number }, picture) {
      const position = sequence.count++;
      const { instant } = place;
      sequence.last = { file, ...place };
      sequence.start ??= instant;
      const { first, end } = frameRange(sequence.name);
      if (position < first || position >= end) return undefined;
      progress('frames', ++sent, null);
      return pictures.frame(
        {
          id: frameId(sequence.name, number, severalSequences),
          sequence: sequence.name,
          number,
          ...(instant !== undefined && {
            at: isoOf(instant),
            ...(sequence.start !== undefined && { seconds: secondsBetween(sequence.start, instant) }),
          }),
        },
        picture,
      );
    },
    complete() {
      const { first, end } = frameRange(own);
      return !recursive && sent >= end - first;
    },
  };
}
