// What a fitted reducer can do, and the parts it is saved as.

import type { EncoderIdentity } from '@deepearth/core/items';
import type { Tensor } from '@deepearth/core/tensor';
import { InputError } from '@deepearth/core/errors';
import type { WorkerProgress } from '@deepearth/core/worker-client';
import type { GridRows, SeenGrid } from '../tokens/grid-rows.ts';

/** Kinds of fitted reducers that can be saved and loaded. */
export const modelKinds = ['pca', 'umap', 'kmeans', 'random-projection'] as const;
/** One of `modelKinds`. */
export type ModelKind = (typeof modelKinds)[number];

/** A value that survives JSON. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** All that a fitted reducer is: tensors by name, and everything else as JSON (options, curve parameters …). */
export interface ModelState {
  readonly kind: ModelKind;
  readonly tensors: Readonly<Record<string, Tensor>>;
  readonly metadata: Readonly<Record<string, Json>>;
}

/** A reducer that has seen its data: it places any further tokens the same way. */
export interface FittedReducer {
  readonly kind: ModelKind;
  /** Numbers per token that `transform` takes. */
  readonly channels: number;
  /** Numbers per token that `transform` returns. */
  readonly components: number;
  /** What a component means; see `Projection.meaning`. Absent: coordinates. */
  readonly meaning?: 'coordinates' | 'scalar' | 'label';
  /** Where colours do not follow from the values: labels go from 0 to the number of groups less one. */
  readonly limits?: Limits;
  /** What the fit found out of its tokens, for the manifest: shares of variance, how a sample was fitted. */
  readonly findings?: Readonly<Record<string, Json>>;
  /**
   * Reduces `[rows, channels]` to `[rows, components]`, which may lie in `into`, where that has just as many numbers;
   * no rows give an empty array. The output of a row does not depend on the other rows. Throws an `InputError` for a
   * wrong width and for NaN or infinity (with the row).
   */
  transform(chunk: Float32Array, signal?: AbortSignal, into?: Float32Array): Promise<Float32Array>;
  /** The same for a whole grid, where a token's components depend on its neighbours in the grid. */
  transformGrid?(tokens: GridRows, grid: SeenGrid, signal?: AbortSignal): Promise<Float32Array>;
  /** `[rows, components]` back to `[rows, channels]`, where the method has an inverse. */
  inverse?(chunk: Float32Array, signal?: AbortSignal): Promise<Float32Array>;
  /** What `saveModel` writes; restoring it returns a reducer with the same bytes in `transform`. */
  state(): ModelState;
  /** Ends workers, where there are any; further calls of `transform` may start them again. */
  close?(): Promise<void>;
}

/** One pair per component: the values that become 0 and 1 of a colour. */
export type Limits = readonly (readonly [low: number, high: number])[];

/** A fitted reducer as it is saved: with whose tokens it was fitted, and its colours. */
export interface SavedModel {
  readonly state: ModelState;
  /** Whose tokens it was fitted to; absent when they came from a plain file. */
  readonly encoder?: EncoderIdentity;
  /** Colour limits of the run it was fitted in; empty when none were computed. */
  readonly limits: Limits;
  /** Whether its file carried a digest, so that damage would have been seen; absent where it was not read from one. */
  readonly sealed?: boolean;
}

/** Steps of a fit: `progress('covariance', 4096, 9216)`. */
export type Progress = WorkerProgress;

/** Width of a chunk. Throws an `InputError` when `values` is no whole number of rows of `channels` numbers. */
export function rowCount(values: Float32Array, channels: number, subject = 'tokens'): number {
  const rows = values.length / channels;
  if (!Number.isInteger(rows))
    throw new InputError(subject, `${values.length} values are no whole number of rows of ${channels} channels.`);
  return rows;
}
