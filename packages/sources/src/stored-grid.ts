// What a file of tokens says of itself, whoever wrote it, before any value is read.

import type { Clip, EncoderIdentity, FrameRecord, GlobalTokens, Origin, Tensor } from '@deepearth/core';

/** A frame as a file keeps it: whole in token files, a number and a name in files of the Python scripts. */
export interface StoredFrame extends Partial<Omit<FrameRecord, 'kind' | 'number' | 'locator'>> {
  readonly number: number;
  readonly locator: FrameRecord['locator'];
}

/** The clip of a grid with its frames as the file keeps them. */
export interface StoredFrames extends Pick<Clip, 'sequence' | 'index' | 'padded'> {
  readonly frames: readonly StoredFrame[];
  /** Absent where the file says too little to have one. */
  readonly key?: string;
}

/** One grid of a file. */
export interface StoredGrid {
  /** Tells the grids of one file apart; empty where there is one. */
  readonly name: string;
  readonly id?: string;
  readonly axes: readonly string[];
  readonly shape: readonly number[];
  readonly dtype: 'float32' | 'float16';
  /** True where the file does not say its axes, and they were guessed. */
  readonly guessed?: boolean;
  /** Absent where the file does not say which part of the frames the grid covers. */
  readonly origin?: Origin;
  readonly clip?: StoredFrames;
  readonly encoder: EncoderIdentity;
  /** Reads the values. */
  read(signal?: AbortSignal): Promise<StoredValues>;
}

/** The numbers of a grid. */
export interface StoredValues {
  readonly values: Tensor<'float32' | 'float16'>;
  readonly valid?: Uint8Array;
  readonly globals?: GlobalTokens;
}
