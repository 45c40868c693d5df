// From moments to principal components: eigenpairs, what counts as no variance, one result for tied values, signs.

import type { EigenPairs } from './eigen.ts';
import { leadingEigenpairs } from './leading.ts';
import { covarianceOf, type Moments } from './moments.ts';
import type { Sliced } from '../shared/pace.ts';

/** `components [count, channels]` with the variance along each, and the sum of the variances of all channels. */
export interface Principal {
  readonly count: number;
  readonly mean: Float64Array;
  readonly components: Float64Array;
  readonly variances: Float64Array;
  readonly totalVariance: number;
}

/** How far the arithmetic that made the scatter can be trusted: relative error of its products. */
export type Precision = 'float32' | 'float64';

/**
 * Solves for the first `count` components; the moments are used up. Directions without variance are vectors of zeros.
 */
export function* principalComponents(moments: Moments, count: number, precision: Precision): Sliced<Principal> {
  const { channels, mean } = moments;
  const covariance = yield* covarianceOf(moments);
  let totalVariance = 0;
  let largestMean = 0;
  for (let i = 0; i < channels; i++) {
    totalVariance += covariance[i * channels + i]!;
    largestMean = Math.max(largestMean, Math.abs(mean[i]!));
  }
  const asked = Math.min(count, channels);
  const pairs = yield* leadingEigenpairs(covariance, channels, asked, precision === 'float64' ? 1e-13 : 1e-11);
  const least = smallestVariance(pairs.values[0] ?? 0, largestMean, channels, precision);
  const available = moments.count - 1;
  const components = new Float64Array(count * channels);
  const variances = new Float64Array(count);
  const tie = Math.abs(pairs.values[0] ?? 0) * (precision === 'float64' ? 1e-12 : 1e-8);
  for (let first = 0; first < asked;) {
    let end = first + 1;
    while (end < pairs.values.length && pairs.values[end - 1]! - pairs.values[end]! <= tie) end++;
    if (first >= available || !(pairs.values[first]! > least)) break;
    const vectors =
      end - first > 1 ? settleTies(pairs, first, end, channels) : pairs.vectors.slice(first * channels, end * channels);
    for (let k = first; k < Math.min(end, asked, available); k++) {
      const vector = vectors.subarray((k - first) * channels, (k - first + 1) * channels);
      components.set(withSign(vector), k * channels);
      variances[k] = pairs.values[k]!;
    }
    first = end;
    yield;
  }
  if (!(totalVariance > least)) totalVariance = 0;
  return { count: moments.count, mean, components, variances, totalVariance };
}

/** Below this a variance is rounding: relative to the largest, and to the square of the mean that was taken off. */
function smallestVariance(largest: number, largestMean: number, channels: number, precision: Precision): number {
  const [relative, ofMean] = precision === 'float64' ? [2 ** -52, 2 ** -48] : [2 ** -30, 2 ** -28];
  return Math.max(largest * relative * Math.sqrt(channels), (largestMean * ofMean) ** 2 * channels);
}

/**
 * Any rotation of a tied group is as good. This returns the one that does not depend on the solver: the projection of
 * the axis that the group holds most of (the first of equals), then the same in what remains.
 */
function settleTies({ vectors }: EigenPairs, first: number, end: number, channels: number): Float64Array {
  const size = end - first;
  const group = vectors.slice(first * channels, end * channels);
  const settled = new Float64Array(size * channels);
  const vector = new Float64Array(channels);
  for (let done = 0; done < size; done++) {
    let best = 0;
    let most = -1;
    for (let j = 0; j < channels; j++) {
      let held = 0;
      for (let k = 0; k < size; k++) held += group[k * channels + j]! ** 2;
      for (let k = 0; k < done; k++) held -= settled[k * channels + j]! ** 2;
      if (held > most * (1 + 1e-9) + 1e-12) [best, most] = [j, held];
    }
    vector.fill(0);
    for (let k = 0; k < size; k++)
      for (let j = 0; j < channels; j++) vector[j]! += group[k * channels + best]! * group[k * channels + j]!;
    for (let k = 0; k < done; k++) {
      let overlap = 0;
      for (let j = 0; j < channels; j++) overlap += settled[k * channels + j]! * vector[j]!;
      for (let j = 0; j < channels; j++) vector[j]! -= overlap * settled[k * channels + j]!;
    }
    let norm = 0;
    for (let j = 0; j < channels; j++) norm += vector[j]! ** 2;
    norm = Math.sqrt(norm);
    for (let j = 0; j < channels; j++) settled[done * channels + j] = vector[j]! / norm;
  }
  return settled;
}

/** The largest loading is positive, as `svd_flip` of scikit-learn has it; the first one of (nearly) equals decides. */
function withSign(vector: Float64Array): Float64Array {
  let largest = 0;
  for (let j = 1; j < vector.length; j++)
    if (Math.abs(vector[j]!) > Math.abs(vector[largest]!) * (1 + 1e-12)) largest = j;
  if (vector[largest]! < 0) for (let j = 0; j < vector.length; j++) vector[j] = -vector[j]!;
  return vector;
}
