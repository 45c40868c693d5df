// The part of its input that a run works on.

/** Which part of the input a run works on, counted in each sequence: clips, or frames where nothing makes clips. */
export interface Range {
  /** The first, from 0. */
  readonly first: number;
  /** The one after the last. */
  readonly end: number;
}

/** Clips that one windower makes of one sequence. */
export interface ClipRange extends Range {
  /** The id of the windower. */
  readonly stage: string;
  readonly sequence: string;
}

/** All there is of a sequence, however long it is. */
export const wholeRange: Range = { first: 0, end: Infinity };

/**
 * The end of a range that goes to the end of its sequence, where nobody knows how many clips that has; JSON can say it.
 */
export const openEnd = Number.MAX_SAFE_INTEGER;

/** Whether a position lies in a range. */
export const isWithin = (position: number, { first, end }: Range): boolean => position >= first && position < end;

/** The smallest range that holds all of several; an empty one where they are. */
export const hullOf = (ranges: readonly Range[]): Range =>
  ranges
    .filter(({ first, end }) => first < end)
    .reduce<Range | undefined>(
      (all, { first, end }) =>
        all ? { first: Math.min(all.first, first), end: Math.max(all.end, end) } : { first, end },
      undefined,
    ) ?? { first: 0, end: 0 };
