// Pools a grid to vectors at four levels at once, as the Python scripts did.

import { reshape, type Tensor } from '@deepearth/core';
import { aggregate, quadrantOf, sizes } from './aggregate.ts';
import { pool, type TokenValues } from './pooling.ts';

/** The four levels, finest channels last; NaN where a region has no valid token. */
export interface HierarchicalPool {
  /** The mean of all tokens, `[channels]`. */
  readonly global: Tensor<'float32'>;
  /** The mean of each step of time, `[time, channels]`. */
  readonly temporal: Tensor<'float32'>;
  /** The mean of each place, `[height, width, channels]`. */
  readonly spatial: Tensor<'float32'>;
  /** The mean of each quarter of each step: upper left, upper right, lower left, lower right, `[4, time, channels]`. */
  readonly quadrants: Tensor<'float32'>;
}

/** One of the levels. */
export type HierarchicalPart = keyof HierarchicalPool;

/** Pools to one level of the four. Throws an `InputError` as `hierarchicalPool` does. */
export function hierarchicalPart(tokens: TokenValues, part: HierarchicalPart): Tensor<'float32'> {
  const [time, height, width, channels] = sizes(tokens, 'old-hierarchical');
  if (part !== 'quadrants') return aggregate(tokens, part);
  const quadrant = quadrantOf(height, width, tokens.id);
  const pooled = pool(
    tokens,
    { count: 4 * time, of: (step, row, column) => quadrant(row!, column!) * time + step! },
    'mean',
  );
  return reshape(pooled, [4, time, channels]);
}

/**
 * Pools a grid `[time, height, width, channels]` as the function `hierarchical_pool` of the old scripts' README did;
 * not the pyramid of `aggregator/hierarchical`. Throws an `InputError` for tokens of other axes, for a grid without
 * quarters (one token high or wide), when no token is valid, and when a valid one is not finite.
 */
export const hierarchicalPool = (tokens: TokenValues): HierarchicalPool => ({
  global: hierarchicalPart(tokens, 'global'),
  temporal: hierarchicalPart(tokens, 'temporal'),
  spatial: hierarchicalPart(tokens, 'spatial'),
  quadrants: hierarchicalPart(tokens, 'quadrants'),
});
