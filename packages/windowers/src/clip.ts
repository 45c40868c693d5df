// Makes clips of frames.

import { clipId, lineage, type Clip, type Frame } from '@deepearth/core';

/**
 * A clip of these frames, the `index`-th of their sequence; its key follows from theirs alone, so that another stride
 * finds the same clips again.
 */
export const clipOf = (index: number, frames: readonly Frame[], padded: number, several = false): Clip => {
  const { sequence } = frames[0]!;
  return {
    kind: 'clip',
    id: clipId(sequence, index, several),
    key: lineage('clip', padded, ...frames.map(({ key }) => key)),
    sequence,
    index,
    frames,
    padded,
  };
};

/** Repeats the last frame until there are `size`. */
export const fill = (frames: readonly Frame[], size: number): Frame[] =>
  Array.from({ length: size }, (_, i) => frames[Math.min(i, frames.length - 1)]!);
