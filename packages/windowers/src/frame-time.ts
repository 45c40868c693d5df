// When a frame was taken, for windowers that go by time.

import { InputError, sourceName, type Frame } from '@deepearth/core';

/**
 * Seconds from a fixed moment of the sequence: those that the frame says, or else its instant. Throws an `InputError`
 * for a frame that has neither.
 */
export function timeOf(frame: Frame): number {
  const time = frame.seconds ?? (frame.at === undefined ? NaN : Date.parse(frame.at) / 1000);
  if (Number.isFinite(time)) return time;
  throw new InputError(sourceName(frame), `${frame.id} has no time, and clips are made by time.`, {
    code: 'E_NO_TIME',
    remedy: 'Give frames their time in the source, or make clips by the number of frames: `size` and `stride`.',
  });
}
