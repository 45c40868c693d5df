// Chooses which frames of a video are read, by their times.

/** Which frames are wanted. */
export interface Choice {
  /** Seconds, inclusive. */
  readonly from?: number | undefined;
  /** Seconds, exclusive. */
  readonly to?: number | undefined;
  readonly framesPerSecond?: number | undefined;
  readonly every?: number | undefined;
  /** A longer pause than this begins a new part. */
  readonly maxGapSeconds?: number | undefined;
  /** When the last frame is over. Default: as long after it as it came after the one before. */
  readonly endSeconds?: number | undefined;
}

/** What times may differ by and still be the same moment: containers round to a millisecond or finer. */
const tolerance = 1e-6;

/**
 * Numbers of the chosen frames in parts: one for all, or one for each stretch without a longer pause; parts without a
 * frame are left out. `seconds` has the time of each frame, ascending. Of a rate, the frame that is on the screen at
 * each moment is taken, counted from the first frame of the part; one that stays for several moments is taken once.
 */
export function chooseFrames(seconds: Float64Array, choice: Choice): Uint32Array[] {
  const { from = -Infinity, to = Infinity, framesPerSecond, every = 1, maxGapSeconds = Infinity } = choice;
  const start = firstAtLeast(seconds, from - tolerance);
  const end = firstAtLeast(seconds, to - tolerance);
  const parts: Uint32Array[] = [];
  for (let first = start; first < end;) {
    let last = first + 1;
    while (last < end && seconds[last]! - seconds[last - 1]! <= maxGapSeconds) last++;
    parts.push(
      framesPerSecond === undefined
        ? steps(first, last, every)
        : moments(seconds, first, last, framesPerSecond, Math.min(to, overAt(seconds, first, last, choice))),
    );
    first = last;
  }
  return parts;
}

function steps(first: number, end: number, every: number): Uint32Array {
  return Uint32Array.from({ length: Math.ceil((end - first) / every) }, (_, i) => first + i * every);
}

/** When the last frame of a part is over. */
function overAt(seconds: Float64Array, first: number, end: number, { endSeconds }: Choice): number {
  if (end === seconds.length && endSeconds !== undefined) return endSeconds;
  const usual = seconds[end - 1]! + (end - first > 1 ? seconds[end - 1]! - seconds[end - 2]! : 0);
  return Math.min(usual, seconds[end] ?? Infinity);
}

function moments(seconds: Float64Array, first: number, end: number, rate: number, over: number): Uint32Array {
  const chosen: number[] = [];
  const start = seconds[first]!;
  for (let i = first; i < end; i++) {
    // The moments at which this frame is on the screen are those of its time and after, before the next frame's.
    const next = Math.ceil((seconds[i]! - start - tolerance) * rate);
    const until = i + 1 < end ? seconds[i + 1]! : over;
    if (start + next / rate < until - tolerance || next === 0) chosen.push(i);
  }
  return Uint32Array.from(chosen);
}

/** The first position whose value is at least this; the length where there is none. */
export function firstAtLeast(values: Float64Array | Uint32Array, least: number): number {
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle]! < least) low = middle + 1;
    else high = middle;
  }
  return low;
}
