// Pools the tokens of a grid into regions; every aggregator is one choice of regions.

import { halfTable, InputError, tensor, type Tensor, type TokenGrid } from '@deepearth/core';

/** Which region a cell belongs to, and how many there are. */
export interface Regions {
  readonly count: number;
  of(time: number, row: number, column: number): number;
}

export type Pooling = 'mean' | 'max';

/** Values of float32 or float16 tokens by index. */
export function reader({ values }: TokenGrid): (index: number) => number {
  if (values.dtype === 'float32') return (index) => values.data[index]!;
  const table = halfTable();
  return (index) => table[values.data[index]!]!;
}

/**
 * Pools `[time, height, width, channels]` to `[regions, channels]`, sums in double precision. Tokens that `valid` marks
 * with 0 do not count; a region without any valid token is NaN throughout. Throws an `InputError` when no token at all
 * is valid, and when a valid one is NaN or infinite.
 */
export function pool(tokens: TokenGrid, regions: Regions, pooling: Pooling): Tensor<'float32'> {
  const [times, rows, columns, channels] = tokens.values.shape as [number, number, number, number];
  const sums = new Float64Array(regions.count * channels).fill(pooling === 'max' ? -Infinity : 0);
  const counts = new Uint32Array(regions.count);
  const value = reader(tokens);
  for (let time = 0, cell = 0; time < times; time++) {
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++, cell++) {
        if (tokens.valid?.[cell] === 0) continue;
        const region = regions.of(time, row, column);
        counts[region]!++;
        const from = cell * channels;
        const to = region * channels;
        let check = 0;
        for (let c = 0; c < channels; c++) {
          const v = value(from + c);
          check += v - v; // 0 for every finite value, NaN for the others
          if (pooling === 'mean') sums[to + c]! += v;
          else if (v > sums[to + c]!) sums[to + c] = v;
        }
        if (check !== 0)
          throw new InputError(
            tokens.id,
            `the token at time ${time}, row ${row}, column ${column} holds NaN or infinity.`,
            { code: 'E_NAN', remedy: 'Look at the frames of this clip; with half precision, try float32.' },
          );
      }
    }
  }
  if (counts.every((n) => n === 0))
    throw new InputError(tokens.id, 'none of its tokens saw any data, so there is nothing to aggregate.', {
      code: 'E_NO_DATA',
      remedy: 'With `onError: skip` the clip is left out.',
    });
  const out = new Float32Array(sums.length);
  for (let region = 0, i = 0; region < regions.count; region++) {
    const n = counts[region]!;
    for (let c = 0; c < channels; c++, i++) out[i] = n === 0 ? NaN : pooling === 'mean' ? sums[i]! / n : sums[i]!;
  }
  return tensor('float32', [regions.count, channels], out);
}
