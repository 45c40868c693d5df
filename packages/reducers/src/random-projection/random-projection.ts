// Projects tokens on random directions: the quickest look, and distances survive it roughly (Johnson and
// Lindenstrauss).

import { InputError } from '@deepearth/core/errors';
import { tensor } from '@deepearth/core/tensor';
import { firstNotFinite, overflown, requireFinite } from '../tokens/finite.ts';
import { rowCount, type FittedReducer, type ModelState } from '../models/model.ts';
import { runSliced, type Sliced } from '../shared/pace.ts';
import { projectRows } from '../shared/project-rows.ts';
import { seededNormal } from '../shared/seeded.ts';

/** Options of `randomProjection`. */
export interface RandomProjectionOptions {
  /** Numbers per token. */
  readonly channels: number;
  /** Random directions; 3 by default. */
  readonly components?: number;
  /** 42 by default. */
  readonly seed?: number;
}

/**
 * Draws the directions: normal numbers of variance 1 / components, so that squared lengths are kept on average. There
 * is nothing to fit.
 */
export function randomProjection({ channels, components = 3, seed = 42 }: RandomProjectionOptions): FittedReducer {
  const normal = seededNormal(seed, 7);
  const weights = Float64Array.from({ length: channels * components }, () => normal() / Math.sqrt(components));
  return restoreRandomProjection({
    kind: 'random-projection',
    tensors: { weights: tensor('float64', [channels, components], weights) },
    metadata: { seed },
  });
}

/** The projection of a saved state. Throws an `InputError` when it is not whole. */
export function restoreRandomProjection(state: ModelState, subject = 'the random projection'): FittedReducer {
  const { weights } = state.tensors;
  const [channels, components] = weights?.shape ?? [];
  if (weights?.dtype !== 'float64' || channels === undefined || components === undefined)
    throw new InputError(subject, 'is no whole random projection: its weights (float64) are missing.', {
      code: 'E_REDUCER_FILE',
    });
  const origin = new Float64Array(channels);
  const projected = function* (rows: Float32Array, out: Float32Array): Sliced<Float32Array> {
    const count = rows.length / channels;
    const several = Math.max(1, Math.floor(400_000 / (channels * components)));
    for (let first = 0; first < count; first += several) {
      projectRows(
        rows,
        origin,
        weights.data as Float64Array,
        channels,
        components,
        first,
        Math.min(count, first + several),
        out,
      );
      yield;
    }
    return out;
  };
  return {
    kind: 'random-projection',
    channels,
    components,
    async transform(chunk, signal, into) {
      const values = rowCount(chunk, channels) * components;
      const room = into?.length === values ? into : new Float32Array(values);
      const out = await runSliced(projected(chunk, room), signal);
      if (firstNotFinite(out) >= 0) {
        requireFinite(chunk, channels);
        throw overflown(subject);
      }
      return out;
    },
    state: () => state,
  };
}
