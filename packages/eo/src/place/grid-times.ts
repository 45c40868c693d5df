// When the steps of clips were.

import type { Frame } from '@deepearth/core';

/** The frames that a step of time saw. */
export interface GridTime {
  /** The number of the clip in its sequence, and of the step in the clip. */
  readonly clip: number;
  readonly step: number;
  readonly first: FrameTime;
  readonly last: FrameTime;
}

/** What a frame knows of its time. */
export type FrameTime = Pick<Frame, 'number' | 'at' | 'seconds'>;

const frameTime = ({ number, at, seconds }: Frame): FrameTime => ({
  number,
  ...(at !== undefined && { at }),
  ...(seconds !== undefined && { seconds }),
});

/** The times of a clip that was seen in so many steps. */
export function gridTimes(
  clip: { readonly index: number; readonly frames: readonly Frame[] },
  steps: number,
): GridTime[] {
  const { frames, index } = clip;
  return Array.from({ length: steps }, (_, step) => {
    const start = Math.min(Math.floor((step * frames.length) / steps), frames.length - 1);
    const end = Math.max(Math.floor(((step + 1) * frames.length) / steps), start + 1);
    return { clip: index, step, first: frameTime(frames[start]!), last: frameTime(frames[end - 1]!) };
  });
}
