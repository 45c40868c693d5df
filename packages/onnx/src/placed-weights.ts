// Weights where ONNX Runtime can read them.

import type { DType } from '@deepearth/core/tensor';

/** Where a weight's values lie; `file` is a name in the folder that the session is given. */
export interface PlacedWeight {
  readonly file: string;
  readonly offset: number;
  readonly bytes: number;
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/** All weights of an encoder in one folder, under the project's names. */
export interface PlacedWeights {
  /** Absolute; the names in `weights` are relative to it. */
  readonly folder: string;
  readonly weights: ReadonlyMap<string, PlacedWeight>;
}

/** Options of `placeWeights`. */
export interface PlaceOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called while weights are converted. */
  readonly progress?: ((done: number, total: number) => void) | undefined;
}
