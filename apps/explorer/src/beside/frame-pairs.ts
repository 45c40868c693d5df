// Which frame of one run is which of another.

import type { Bundle } from '../bundle/bundle.ts';

type Framed = Pick<Bundle, 'sequences'>;

/** A frame: which sequence, and its position in it. */
export interface FramePlace {
  readonly sequence: number;
  readonly frame: number;
}

/** The frames that two runs share. */
export interface FramePairs {
  /** The frame of the other run; `undefined` where it does not have it. */
  there(place: FramePlace): FramePlace | undefined;
  /** The way back. */
  here(place: FramePlace): FramePlace | undefined;
  /** How many frames the first run has, and how many of them both have. */
  readonly frames: number;
  readonly shared: number;
}

/**
 * Frames are the same where their sequences have the same name (or each run has but one) and their instants are the
 * same; where a sequence of either run knows no instants, by their numbers.
 */
export function pairFrames(a: Framed, b: Framed): FramePairs {
  const alone = a.sequences.length === 1 && b.sequences.length === 1;
  const tables = a.sequences.map((sequence) => {
    const other = alone ? 0 : b.sequences.findIndex(({ name }) => name === sequence.name);
    const to = new Int32Array(sequence.numbers.length).fill(-1);
    const with_ = b.sequences[other];
    if (!with_) return { other: -1, to };
    const timed = [sequence, with_].every(({ at }) => at?.every((each) => each !== null));
    const keys = ({ numbers, at }: typeof sequence): readonly (string | number | null)[] => (timed ? at! : numbers);
    const positions = new Map(keys(with_).map((key, position) => [key, position]));
    keys(sequence).forEach((key, position) => (to[position] = positions.get(key) ?? -1));
    return { other, to };
  });
  const back = new Map<string, FramePlace>();
  tables.forEach(({ other, to }, sequence) =>
    to.forEach((position, frame) => position >= 0 && back.set(`${other} ${position}`, { sequence, frame })),
  );
  return {
    there({ sequence, frame }) {
      const { other, to } = tables[sequence]!;
      const position = to[frame] ?? -1;
      return position < 0 ? undefined : { sequence: other, frame: position };
    },
    here: ({ sequence, frame }) => back.get(`${sequence} ${frame}`),
    frames: tables.reduce((sum, { to }) => sum + to.length, 0),
    shared: back.size,
  };
}
