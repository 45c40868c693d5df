// Pools tokens into regions: the one definition of means and maxima over tokens. Pure.

import { halfTable } from './half.ts';
import { tensor, type Tensor } from './tensor.ts';

/** The mean or the largest value of each channel. */
export type Pooling = 'mean' | 'max';

/** Which region each token belongs to, and how many there are. */
export interface TokenRegions {
  readonly count: number;
  /** The region of a token, by its index in the order of the values. */
  of(token: number): number;
}

/** The vectors of all regions, with what they were made of. */
export interface Pooled {
  /** `[regions, channels]`; NaN throughout for a region without any valid token. */
  readonly values: Tensor<'float32'>;
  /** Valid tokens of each region. */
  readonly counts: Uint32Array;
  /** The first valid token that holds NaN or infinity, by its index; `undefined` where all are finite. */
  readonly notFinite: number | undefined;
}

/**
 * Pools a grid of any axes, the last of which is the channels, to one vector per region. Sums are in double precision.
 * Tokens whose `valid` is 0 do not count. NaN in a token is NaN in its region.
 */
export function poolTokens(
  { dtype, shape, data }: Tensor<'float32' | 'float16'>,
  valid: Uint8Array | undefined,
  regions: TokenRegions,
  pooling: Pooling,
): Pooled {
  const channels = shape.at(-1)!;
  const tokens = shape.slice(0, -1).reduce((a, b) => a * b, 1);
  const sums = new Float64Array(regions.count * channels).fill(pooling === 'max' ? -Infinity : 0);
  const counts = new Uint32Array(regions.count);
  const table = dtype === 'float16' ? halfTable() : undefined;
  let notFinite: number | undefined;
  for (let token = 0; token < tokens; token++) {
    if (valid?.[token] === 0) continue;
    const region = regions.of(token);
    counts[region]!++;
    const from = token * channels;
    const to = region * channels;
    let check = 0;
    for (let c = 0; c < channels; c++) {
      const v = table ? table[data[from + c]!]! : data[from + c]!;
      check += v - v; // 0 for every finite value, NaN for the others
      if (pooling === 'mean') sums[to + c]! += v;
      else if (v > sums[to + c]! || v !== v) sums[to + c] = v;
    }
    if (check !== 0) notFinite ??= token;
  }
  const values = new Float32Array(sums.length);
  for (let region = 0, i = 0; region < regions.count; region++) {
    const n = counts[region]!;
    for (let c = 0; c < channels; c++, i++) values[i] = n === 0 ? NaN : pooling === 'mean' ? sums[i]! / n : sums[i]!;
  }
  return { values: tensor('float32', [regions.count, channels], values), counts, notFinite };
}
