// How far two outputs of an encoder are apart.

import type { Tensor } from '@deepearth/core/tensor';

/** Distances of an output from its reference; NaN throughout where either holds NaN. */
export interface Comparison {
  /** `|a - b| / |b|` over all values (L2). */
  readonly relativeError: number;
  /** Over tokens, each a vector along the last axis. */
  readonly smallestCosine: number;
  readonly meanCosine: number;
}

/**
 * Compares an output with what is expected. NaN anywhere makes every figure NaN. Throws a `RangeError` when they have
 * different sizes.
 */
export function compareTokens(output: Tensor<'float32'>, expected: Tensor<'float32'>): Comparison {
  if (output.data.length !== expected.data.length)
    throw new RangeError(`[${output.shape.join(', ')}] is compared with [${expected.shape.join(', ')}]`);
  const channels = expected.shape.at(-1) ?? 1;
  const tokens = expected.data.length / channels;
  let difference = 0;
  let size = 0;
  let smallest = Infinity;
  let sum = 0;
  for (let token = 0; token < tokens; token++) {
    let dot = 0;
    let a2 = 0;
    let b2 = 0;
    for (let i = token * channels; i < (token + 1) * channels; i++) {
      const a = output.data[i]!;
      const b = expected.data[i]!;
      difference += (a - b) ** 2;
      dot += a * b;
      a2 += a * a;
      b2 += b * b;
    }
    size += b2;
    const cosine = a2 === 0 && b2 === 0 ? 1 : dot / Math.sqrt(a2 * b2);
    if (!(cosine >= smallest)) smallest = cosine;
    sum += cosine;
  }
  return { relativeError: Math.sqrt(difference / size), smallestCosine: smallest, meanCosine: sum / tokens };
}
