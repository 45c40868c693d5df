// The filters of an antialiased resize along one axis, as torchvision computes them.

import type { Interpolation } from './picture-processing.ts';

/**
 * Where one axis of the output reads from: output `i` is the weighted sum of `size[i]` input values from `start[i]`,
 * its weights at `weights[i * taps]`; weights that are not needed are 0.
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
  /** The weight at a place, seen from the centre; asked for inside the radius and on its edge. */
  readonly weight: (place: number) => number;
}

/** A filter that is the same on both sides, and 0 on its edge. */
const symmetric = (radius: number, weight: (distance: number) => number): Filter => ({
  radius,
  weight: (place) => (Math.abs(place) < radius ? weight(Math.abs(place)) : 0),
});

const sinc = (x: number): number => (x === 0 ? 1 : Math.sin(x * Math.PI) / (x * Math.PI));

/** Sources: Pillow's Resample.c, PyTorch's UpSampleKernel.cpp. */
const filters: Readonly<Record<Exclude<Interpolation, 'nearest'>, Filter>> = {
  // Of two pixels that lie on its edges it takes the one behind the centre.
  box: { radius: 0.5, weight: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  bilinear: symmetric(1, (x) => 1 - x),
  hamming: symmetric(1, (x) => sinc(x) * (0.54 + 0.46 * Math.cos(x * Math.PI))),
  // Keys' cubic convolution with a = -0.5, which Pillow and torchvision use when they antialias (without, torch has
  // -0.75).
  bicubic: symmetric(2, (x) => (x < 1 ? (1.5 * x - 2.5) * x * x + 1 : ((x - 5) * x + 8) * x * -0.5 + 2)),
  lanczos: symmetric(3, (x) => sinc(x) * sinc(x / 3)),
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
  const scale = input / output;
  if (interpolation === 'nearest') return nearest(output, scale);
  const { radius, weight: weightAt } = filters[interpolation];
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
      const weight = weightAt((j + from - centre + 0.5) * (1 / stretch));
      exact[i * taps + j] = weight;
      total += weight;
    }
    for (let j = 0; j < count; j++) exact[i * taps + j]! /= total;
    start[i] = from;
    size[i] = count;
  }
  return { taps, start, size, exact };
}

/** The pixel under the centre of each new one; two taps, since the kernel takes them in pairs. */
function nearest(output: number, scale: number): ReturnType<typeof exactWeights> {
  const taps = 2;
  // In single precision, as PyTorch has it: where a centre lies between two pixels it decides.
  const single = Math.fround(scale);
  const last = Math.round(output * scale) - 1;
  return {
    taps,
    start: Int32Array.from({ length: output }, (_, i) => Math.min(Math.floor(Math.fround((i + 0.5) * single)), last)),
    size: new Int32Array(output).fill(1),
    exact: Float64Array.from({ length: output * taps }, (_, at) => (at % taps === 0 ? 1 : 0)),
  };
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
