// The times of the steps of clips, as an axis of a cube.

import type { FrameTime, GridTime } from '../place/grid-times.ts';
import { microsecondsOf } from '../place/moments.ts';

/** A coordinate of times: its numbers, of the first and the last frame of each step, and what they are. */
export interface TimeAxis {
  readonly times: readonly GridTime[];
  readonly dtype: 'int64' | 'float64';
  readonly starts: BigInt64Array | Float64Array;
  readonly ends: BigInt64Array | Float64Array;
  readonly attributes: { readonly [name: string]: string };
}

/**
 * Times in order: instants where all frames have one, else seconds where all have them, else numbers of frames. Those
 * that begin together keep the order of their clips.
 */
export function timeAxis(found: readonly GridTime[]): TimeAxis {
  const micros = ({ at }: FrameTime): bigint | undefined => (at === undefined ? undefined : microsecondsOf(at));
  const all = (has: (frame: FrameTime) => boolean): boolean =>
    found.every(({ first, last }) => has(first) && has(last));
  const dated = all((frame) => micros(frame) !== undefined);
  const timed = !dated && all(({ seconds }) => seconds !== undefined);
  const value = (frame: FrameTime): bigint | number =>
    dated ? micros(frame)! : timed ? frame.seconds! : BigInt(frame.number);
  const times = [...found].sort((a, b) => {
    const [left, right] = [value(a.first), value(b.first)];
    return left < right ? -1 : left > right ? 1 : a.clip - b.clip || a.step - b.step;
  });
  const numbers = (of: (time: GridTime) => FrameTime): BigInt64Array | Float64Array =>
    timed
      ? Float64Array.from(times, (time) => value(of(time)) as number)
      : BigInt64Array.from(times, (time) => value(of(time)) as bigint);
  return {
    times,
    dtype: timed ? 'float64' : 'int64',
    starts: numbers(({ first }) => first),
    ends: numbers(({ last }) => last),
    attributes: dated
      ? { units: 'microseconds since 1970-01-01', calendar: 'proleptic_gregorian', standard_name: 'time' }
      : { long_name: timed ? 'seconds from the start of the sequence' : 'number of the first frame' },
  };
}
