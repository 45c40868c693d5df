// Mean and scatter of tokens that come block by block: one pass, float64 sums, memory of the covariance only.

import type { Sliced } from '../shared/pace.ts';

/**
 * What is known of all rows so far: `mean [channels]`, `scatter [channels, channels]` (sum of products of deviations;
 * upper triangle only).
 */
export interface Moments {
  count: number;
  readonly channels: number;
  readonly mean: Float64Array;
  readonly scatter: Float64Array;
}

export const noMoments = (channels: number): Moments => ({
  count: 0,
  channels,
  mean: new Float64Array(channels),
  scatter: new Float64Array(channels * channels),
});

/**
 * Rows that are centred on their own mean and multiplied at once; a function of the width alone, so that no byte
 * depends on how tokens come.
 */
export const blockRows = (channels: number): number =>
  Math.max(128, Math.min(2048, 2 ** Math.floor(Math.log2(2 ** 22 / channels))));

/**
 * Takes in the mean of a block of `count` rows. What that adds to the scatter beside the block's own (Chan, Golub and
 * LeVeque's pairwise update, which stays exact where the data drifts far from its beginning) is returned as `weight *
 * shift[i] * shift[j]`, so that one pass over the scatter adds both.
 */
export function addMean(
  moments: Moments,
  count: number,
  mean: Float64Array,
): { readonly weight: number; readonly shift: Float64Array } {
  const { channels } = moments;
  const total = moments.count + count;
  const shift = new Float64Array(channels);
  for (let i = 0; i < channels; i++) shift[i] = mean[i]! - moments.mean[i]!;
  const weight = (moments.count * count) / total;
  for (let i = 0; i < channels; i++) moments.mean[i]! += (shift[i]! * count) / total;
  moments.count = total;
  return { weight, shift };
}

type Values = Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;

/** Products of a block with itself: in float32 as the graph of `scatterGraph` returns them, or in float64. */
export interface BlockProducts {
  readonly rows: number;
  /** A mean, about which the products are. */
  readonly centre: Values;
  /** Sums of the centred block: how far off that mean is. */
  readonly sums: Values;
  /**
   * Rows of the product from `first` on, each from column `first` to the last; what is left of the diagonal is not
   * used.
   */
  readonly bands: readonly { readonly first: number; readonly values: Values }[];
}

/** Multiplies a block `[rows, channels]`, less its mean, with itself, in float64 throughout. */
export function* blockProducts(rows: Float32Array | Float64Array, channels: number): Sliced<BlockProducts> {
  const count = rows.length / channels;
  const centre = columnMeans(rows, channels);
  yield;
  // Transposed and centred, so that every product below runs along contiguous numbers.
  const centred = new Float64Array(rows.length);
  for (let r = 0; r < count; r++) {
    for (let j = 0; j < channels; j++) centred[j * count + r] = rows[r * channels + j]! - centre[j]!;
    if (r % 128 === 127) yield;
  }
  const values = new Float64Array(channels * channels);
  for (let i = 0; i < channels; i += 2) {
    const second = Math.min(i + 1, channels - 1);
    const a = centred.subarray(i * count, (i + 1) * count);
    const b = centred.subarray(second * count, (second + 1) * count);
    for (let j = i; j < channels; j++) {
      const c = centred.subarray(j * count, (j + 1) * count);
      let ac = 0;
      let bc = 0;
      for (let r = 0; r < count; r++) {
        ac += a[r]! * c[r]!;
        bc += b[r]! * c[r]!;
      }
      values[i * channels + j] = ac;
      if (second > i && j > i) values[second * channels + j] = bc;
    }
    yield;
  }
  return { rows: count, centre, sums: new Float64Array(channels), bands: [{ first: 0, values }] };
}

/** Adds the products of a block to `moments`. */
export function* addProducts(moments: Moments, { rows, centre, sums, bands }: BlockProducts): Sliced<void> {
  const { channels, scatter } = moments;
  const { weight, shift } = addMean(
    moments,
    rows,
    Float64Array.from(centre, (value, j) => value + sums[j]! / rows),
  );
  for (const { first, values } of bands) {
    const width = channels - first;
    for (let i = first, from = 0; from < values.length; i++, from += width) {
      const off = sums[i]! / rows;
      const scaled = weight * shift[i]!;
      const to = i * channels + first;
      // Left of the diagonal the band holds what its mirror image holds already.
      for (let j = i - first; j < width; j++)
        scatter[to + j]! += values[from + j]! - off * sums[first + j]! + scaled * shift[first + j]!;
      if (i % 32 === 31) yield;
    }
  }
}

/** Adds the moments of other rows. */
export function* addMoments(moments: Moments, other: Moments): Sliced<void> {
  if (other.count === 0) return;
  const { channels, scatter } = moments;
  const { weight, shift } = addMean(moments, other.count, other.mean);
  for (let i = 0; i < channels; i++) {
    const scaled = weight * shift[i]!;
    const row = i * channels;
    for (let j = i; j < channels; j++) scatter[row + j]! += other.scatter[row + j]! + scaled * shift[j]!;
    if (i % 128 === 127) yield;
  }
}

/** Means of the columns of `[rows, channels]`, summed in float64. */
function columnMeans(rows: Float32Array | Float64Array, channels: number): Float64Array<ArrayBuffer> {
  const mean = new Float64Array(channels);
  const count = rows.length / channels;
  for (let r = 0, at = 0; r < count; r++) for (let j = 0; j < channels; j++) mean[j]! += rows[at++]!;
  for (let j = 0; j < channels; j++) mean[j]! /= count;
  return mean;
}

/** Turns the scatter into the whole (symmetric) covariance, in place: divided by count - 1, zeros for a single row. */
export function* covarianceOf({ count, channels, scatter }: Moments): Sliced<Float64Array> {
  const factor = count > 1 ? 1 / (count - 1) : 0;
  // In square tiles, so that both halves stay in cache.
  for (let top = 0; top < channels; top += tile) {
    for (let left = top; left < channels; left += tile) {
      for (let i = top; i < Math.min(channels, top + tile); i++) {
        for (let j = Math.max(i, left); j < Math.min(channels, left + tile); j++)
          scatter[j * channels + i] = scatter[i * channels + j] = scatter[i * channels + j]! * factor;
      }
    }
    yield;
  }
  return scatter;
}

const tile = 32;
