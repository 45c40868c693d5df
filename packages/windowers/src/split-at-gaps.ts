// Ends the clips of a sequence at long pauses, so that no clip joins what lies far apart.

import type { Windowing } from './by-sequence.ts';
import { timeOf } from './frame-time.ts';

/** A windowing that can say which clip comes next. */
export interface CountingWindowing extends Windowing {
  /** The index of the clip that it makes next. */
  next(): number;
}

/**
 * Starts a windowing anew after each pause of more than `maxGapSeconds`; clips are counted on. Throws an `InputError`
 * for a frame without a time.
 */
export function splitAtGaps(maxGapSeconds: number, start: (index: number) => CountingWindowing): Windowing {
  let windowing: CountingWindowing | undefined;
  let last = NaN;
  return {
    *push(frame) {
      const time = timeOf(frame);
      if (windowing && time - last > maxGapSeconds) {
        yield* windowing.end();
        windowing = start(windowing.next());
      }
      windowing ??= start(0);
      last = time;
      yield* windowing.push(frame);
    },
    *end() {
      if (windowing) yield* windowing.end();
    },
  };
}
