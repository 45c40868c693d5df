// Makes clips of frames.

import { lineage, type Clip, type Frame } from '@deepearth/core';

/** A clip of these frames; its key follows from theirs alone, so that another stride finds the same clips again. */
export const clipOf = (index: number, frames: readonly Frame[], padded: number): Clip => ({
  kind: 'clip',
  id: `clip-${String(index).padStart(6, '0')}`,
  key: lineage('clip', padded, ...frames.map(({ key }) => key)),
  index,
  frames,
  padded,
});

/** Repeats the last frame until there are `size`. */
export const fill = (frames: readonly Frame[], size: number): Frame[] =>
  Array.from({ length: size }, (_, i) => frames[Math.min(i, frames.length - 1)]!);
