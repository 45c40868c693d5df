// The filters of an antialiased resize along one axis, as torchvision computes them.

import type { Interpolation } from './picture-processing.ts';

/**
 * Where one axis of the output reads from: output `i` is the weighted sum of `size[i]` input values from `start[i]`, its
 * weights at `weights[i * taps]`; weights that are not needed are 0.
 */
export interface AxisWeights<W extends Int16Array | Float32Array = Int16Array | Float32Array> {
  readonly taps: number;
  readonly start: Int32Array;
  readonly size: Int32Array;
  readonly weights: W;
}

/** Weights in units of `2^-precision`; `taps` is even. */
export interface FixedWeights extends AxisWeights<Int16Array> {
  readonly precision: number;
}

interface Filter {
  /** Half its width, in input pixels where nothing shrinks. */
  readonly radius: number;
  /** The weight at a distance from the centre that is below the radius. */
  readonly weight: (distance: number) => number;
}

const filters: Readonly<Record<Interpolation, Filter>> = {
  bilinear: { radius: 1, weight: (x) => 1 - x },
  // Keys' cubic convolution with a = -0.5, which Pillow and torchvision use when they antialias (without, torch has -0.75).
  bicubic: {
    radius: 2,
    weight: (x) => (x < 1 ? (1.5 * x - 2.5) * x * x + 1 : ((x - 5) * x + 8) * x * -0.5 + 2),
  },
};

/**
 * A filter, stretched to the scale when it shrinks (antialiasing), its weights adding up to 1. Source: torchvision
 * `resize(antialias=True)`, PyTorch's `_upsample_bilinear2d_aa` and `_upsample_bicubic2d_aa`.
 */
function exactWeights(
  input: number,
  output: number,
  interpolation: Interpolation,
): Omit<AxisWeights, 'weights'> & { readonly exact: Float64Array } {
  const { radius, weight: weightAt } = filters[interpolation];
  const scale = input / output;
  const stretch = Math.max(scale, 1);
  const support = radius * stretch;
  const taps = Math.ceil(support) * 2 + 2;
  const start = new Int32Array(output);
  const size = new Int32Array(output);
  const exact = new Float64Array(output * taps);
  for (let i = 0; i < output; i++) {
    const centre = scale * (i + 0.5);
    const from = Math.max(Math.trunc(centre - support + 0.5), 0);
    const count = Math.min(Math.trunc(centre + support + 0.5), input) - from;
    let total = 0;
    for (let j = 0; j < count; j++) {
      const distance = Math.abs((j + from - centre + 0.5) * (1 / stretch));
      const weight = distance < radius ? weightAt(distance) : 0;
      exact[i * taps + j] = weight;
      total += weight;
    }
    for (let j = 0; j < count; j++) exact[i * taps + j]! /= total;
    start[i] = from;
    size[i] = count;
  }
  return { taps, start, size, exact };
}

/** Sums of products are kept in 32 bits and weights in 16, so no more than 22 binary digits fit. */
const maxPrecision = 22;

/**
 * Weights as 16-bit fixed point with as many binary digits as the largest weight allows, as torchvision's 8-bit path
 * has them.
 */
export const fixedWeights = remembered((input, output, interpolation): FixedWeights => {
  const { exact, ...axis } = exactWeights(input, output, interpolation);
  let largest = 0;
  for (const weight of exact) largest = Math.max(largest, weight);
  let precision = 0;
  while (precision < maxPrecision && Math.trunc(0.5 + largest * 2 ** (precision + 1)) < 1 << 15) precision++;
  const unit = 2 ** precision;
  const weights = Int16Array.from(exact, (weight) => Math.trunc(weight * unit + (weight < 0 ? -0.5 : 0.5)));
  return { ...axis, precision, weights };
});

/** Weights in 32-bit floats; an axis whose size stays has a single weight of 1. */
export const floatWeights = remembered((input, output, interpolation): AxisWeights<Float32Array> => {
  if (input === output)
    return {
      taps: 1,
      start: Int32Array.from({ length: output }, (_, i) => i),
      size: new Int32Array(output).fill(1),
      weights: new Float32Array(output).fill(1),
    };
  const { exact, ...axis } = exactWeights(input, output, interpolation);
  return { ...axis, weights: Float32Array.from(exact) };
});

const cacheSize = 64;

/** Keeps the tables that were made last: the frames of a sequence have one size. */
function remembered<T>(
  make: (input: number, output: number, interpolation: Interpolation) => T,
): (input: number, output: number, interpolation: Interpolation) => T {
  const cache = new Map<string, T>();
  return (input, output, interpolation) => {
    const key = `${input}:${output}:${interpolation}`;
    const known = cache.get(key);
    if (known) return known;
    const made = make(input, output, interpolation);
    if (cache.size >= cacheSize) cache.delete(cache.keys().next().value!);
    cache.set(key, made);
    return made;
  };
}
