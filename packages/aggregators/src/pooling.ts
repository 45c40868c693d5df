// Pools the tokens of a grid into regions; every aggregator is one choice of regions.

import { halfTable, InputError, type Tensor, type TokenGrid } from '@deepearth/core';
import { poolTokens, type Pooling } from '@deepearth/core/pooling';

/** Which region a cell belongs to, and how many there are. */
export interface Regions {
  readonly count: number;
  of(time: number, row: number, column: number): number;
}

/** Values of float32 or float16 tokens by index. */
export function reader({ values }: TokenGrid): (index: number) => number {
  if (values.dtype === 'float32') return (index) => values.data[index]!;
  const table = halfTable();
  return (index) => table[values.data[index]!]!;
}

/**
 * Pools `[time, height, width, channels]` to `[regions, channels]`. Tokens that `valid` marks with 0 do not count; a
 * region without any valid token is NaN throughout. Throws an `InputError` when no token at all is valid, and when a
 * valid one is NaN or infinite.
 */
export function pool({ id, values, valid }: TokenGrid, regions: Regions, pooling: Pooling): Tensor<'float32'> {
  const [, rows, columns] = values.shape as [number, number, number, number];
  const place = (token: number) =>
    [Math.floor(token / (rows * columns)), Math.floor(token / columns) % rows, token % columns] as const;
  const pooled = poolTokens(
    values,
    valid,
    { count: regions.count, of: (token) => regions.of(...place(token)) },
    pooling,
  );
  if (pooled.notFinite !== undefined) {
    const [time, row, column] = place(pooled.notFinite);
    throw new InputError(id, `the token at time ${time}, row ${row}, column ${column} holds NaN or infinity.`, {
      code: 'E_NAN',
      remedy: 'Look at the frames of this clip; with half precision, try float32.',
    });
  }
  if (pooled.counts.every((n) => n === 0))
    throw new InputError(id, 'none of its tokens saw any data, so there is nothing to aggregate.', {
      code: 'E_NO_DATA',
      remedy: 'With `onError: skip` the clip is left out.',
    });
  return pooled.values;
}
