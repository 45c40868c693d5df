// Cuts a sequence into clips of equal duration, whatever the pace of its frames.

import { InputError, sourceName, type Clip, type Frame } from '@deepearth/core';
import { clipOf } from './clip.ts';
import { timeOf } from './frame-time.ts';
import type { CountingWindowing } from './split-at-gaps.ts';

/** How clips of a duration are made. */
export interface TimeWindows {
  /** Frames in a clip. */
  readonly size: number;
  readonly durationSeconds: number;
  /** From the start of one clip to the start of the next. */
  readonly strideSeconds: number;
  readonly tail: 'pad' | 'shift' | 'drop' | 'error';
  /** The index of the first clip. */
  readonly first: number;
  readonly severalSequences: boolean;
  warn(message: string): void;
}

/** Times are read from texts and sums of decimal fractions: what differs by less is the same moment. */
const tolerance = 1e-6;

interface TimedFrame {
  readonly frame: Frame;
  readonly time: number;
}

/**
 * Clips that begin every `strideSeconds` from the first frame on. Each has the frames that are on the screen at `size`
 * moments, evenly spread over its duration from its start: a frame that stays for several of them is repeated.
 */
export function timeWindows(options: TimeWindows): CountingWindowing {
  const { size, durationSeconds, strideSeconds, tail, first, severalSequences, warn } = options;
  let index = first;
  let start: number | undefined;
  /** From the frame that is on the screen when the next clip begins. */
  let held: TimedFrame[] = [];
  /** When the last clip ended. */
  let covered = -Infinity;
  /** Seconds from the last frame but one to the last. */
  let pace = 0;

  /** The frames that are on the screen in a clip that begins at `from`; `over` is when the last frame is. */
  function clipFrom(from: number, over = Infinity): Clip {
    const frames: Frame[] = [];
    let [at, padded] = [0, 0];
    for (let i = 0; i < size; i++) {
      const moment = from + (i * durationSeconds) / size;
      while (at + 1 < held.length && held[at + 1]!.time <= moment + tolerance) at++;
      frames.push(held[at]!.frame);
      if (moment > over - tolerance) padded++;
    }
    covered = from + durationSeconds;
    return clipOf(index++, frames, Math.min(padded, size - 1), severalSequences);
  }

  /** Forgets what neither the next clip nor, for `shift`, the last one can need. */
  function forget(): void {
    const needed = tail === 'shift' ? Math.min(start!, held.at(-1)!.time - durationSeconds) : start!;
    const from = held.findLastIndex(({ time }) => time <= needed + tolerance);
    if (from > 0) held = held.slice(from);
  }

  return {
    next: () => index,

    *push(frame) {
      const time = timeOf(frame);
      const before = held.at(-1);
      if (before && time < before.time)
        throw new InputError(sourceName(frame), `${frame.id} comes after ${before.frame.id}, and its time before.`, {
          code: 'E_NO_TIME',
          remedy: 'Let the source order frames by time.',
        });
      start ??= time;
      if (before) pace = time - before.time;
      while (time >= start + durationSeconds - tolerance) {
        // Where clips lie apart, a whole one may fall between two frames.
        yield clipFrom(start);
        start += strideSeconds;
      }
      held.push({ frame, time });
      forget();
    },

    *end() {
      const last = held.at(-1);
      if (!last || start === undefined) return;
      const over = last.time + (pace || durationSeconds / size);
      const from = Math.max(start, covered);
      if (last.time < from - tolerance) return;
      if (over >= start + durationSeconds - tolerance) return yield clipFrom(start);
      const left = held.filter(({ time }) => time >= from - tolerance);
      const what = `the last ${seconds(over - from)} (${left.length} ${left.length === 1 ? 'frame' : 'frames'}) fill no clip of ${seconds(durationSeconds)}`;
      if (tail === 'error')
        throw new InputError(sourceName(last.frame), `${what}.`, {
          code: 'E_SHORT_TAIL',
          remedy: 'Choose `tail: pad`, `shift` or `drop`.',
        });
      if (tail === 'drop') return warn(`${what} and are dropped (${left[0]!.frame.id} to ${last.frame.id})`);
      if (tail === 'shift' && held[0]!.time <= over - durationSeconds + tolerance)
        return yield clipFrom(over - durationSeconds);
      const clip = clipFrom(start, over);
      if (clip.padded > 0)
        warn(
          `the last clip has ${seconds(over - start)} of ${seconds(durationSeconds)} and repeats the last frame: ${Math.round((clip.padded / size) * 100)} % of it is padding`,
        );
      yield clip;
    },
  };
}

const seconds = (value: number): string => `${Number(value.toFixed(3))} s`;
