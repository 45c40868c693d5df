// The part of its input that a run works on.

/** Which part of the input a run works on, counted in each sequence: clips, or frames where nothing makes clips. */
export interface Range {
  /** The first, from 0. */
  readonly first: number;
  /** The one after the last. */
  readonly end: number;
}
