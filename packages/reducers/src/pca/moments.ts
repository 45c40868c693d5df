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

/** Adds the scatter of a block `[rows, channels]` about its mean to `moments`, in float64 throughout. */
export function* addRows(moments: Moments, rows: Float32Array | Float64Array): Sliced<void> {
  const { channels, scatter } = moments;
  const count = rows.length / channels;
  if (count === 0) return;
  const mean = columnMeans(rows, channels);
  yield;
  // Transposed and centred, so that every product below runs along contiguous numbers.
  const centred = new Float64Array(rows.length);
  for (let r = 0; r < count; r++) {
    for (let j = 0; j < channels; j++) centred[j * count + r] = rows[r * channels + j]! - mean[j]!;
    if (r % 128 === 127) yield;
  }
  const { weight, shift } = addMean(moments, count, mean);
  for (let i = 0; i < channels; i += 2) {
    const second = Math.min(i + 1, channels - 1);
    const a = centred.subarray(i * count, (i + 1) * count);
    const b = centred.subarray(second * count, (second + 1) * count);
    const [shiftA, shiftB] = [weight * shift[i]!, weight * shift[second]!];
    for (let j = i; j < channels; j++) {
      const c = centred.subarray(j * count, (j + 1) * count);
      let ac = 0;
      let bc = 0;
      for (let r = 0; r < count; r++) {
        ac += a[r]! * c[r]!;
        bc += b[r]! * c[r]!;
      }
      scatter[i * channels + j]! += ac + shiftA * shift[j]!;
      if (second > i && j > i) scatter[second * channels + j]! += bc + shiftB * shift[j]!;
    }
    yield;
  }
}

/** Products of a block with itself, as the graph of `scatterGraph` returns them. */
export interface BlockProducts {
  readonly rows: number;
  /** A float32 mean, about which the products are. */
  readonly centre: Float32Array<ArrayBuffer>;
  /** Sums of the centred block: how far off that mean is. */
  readonly sums: Float32Array<ArrayBuffer>;
  /** Rows of the product from `first` on, each from column `first` to the last. */
  readonly bands: readonly { readonly first: number; readonly values: Float32Array<ArrayBuffer> }[];
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
export function columnMeans(rows: Float32Array | Float64Array, channels: number): Float64Array {
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
