// The tokens of a grid that saw data, and which grid they belong to.

/** Tokens of one grid as rows. */
export interface GridRows {
  /** `[rows, channels]`, in order, of the tokens that are not masked. */
  readonly rows: Float32Array;
  /** `[tokens]` as the grid has it: shares from 0 (masked) to 255; absent when all are whole. */
  readonly valid?: Uint8Array;
}

/** Which grid tokens belong to. */
export interface SeenGrid {
  /** For errors. */
  readonly id: string;
  /** Its number among the stored ones, from 0. */
  readonly index: number;
  /** Sizes and names of the axes before the channels. */
  readonly shape: readonly number[];
  readonly axes: readonly string[];
}
