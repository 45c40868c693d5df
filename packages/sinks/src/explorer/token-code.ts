// Tokens in few bytes that keep their cosines: the leading directions of unit tokens, eight bits for each.

import type { TokenCode } from './bundle-index.ts';
import { leadingDirections } from './leading-directions.ts';
import { turn } from './turn.ts';

/** What `fitTokenCode` finds. */
export interface FittedCode extends TokenCode {
  /** The directions of the components, `[components, channels]`: a unit row's products with them are its vector. */
  readonly directions: Float32Array;
  /** Codes unit rows: `[rows, channels]` to `[rows, bytes]`. A row of zeros stays one; no other becomes one. */
  encode(rows: Float32Array): Int8Array;
}

const steps = 127;
/** Enough rounds for the last of 64 directions to settle where their values fall as those of encoders do. */
const rounds = 12;
const neighbors = 20;
const queries = 128;
/** Bytes that are tried, one after the other, until the code keeps enough neighbours. */
const sizes = [64, 128, 256];
/**
 * The share of bytes that refine the leading components. Of 64 bytes on tokens of 256 channels, 12 of them bring the
 * overlap from 0.59 to 0.97; half precision for 64 components, which takes twice the room, has 0.90.
 */
const fineShare = 3 / 16;

/** What to fit. */
export interface CodeOptions {
  /** Bytes of a token; absent for as few of 64, 128 and 256 as keep `overlap` of the 20 nearest tokens. */
  readonly bytes?: number | undefined;
  readonly overlap: number;
  readonly signal: AbortSignal;
}

/**
 * Fits to unit rows, `[rows, channels]`. The directions are those of the rows themselves, not of their differences from
 * a mean, so that inner products stay what they were but for what lies outside of all directions.
 */
export async function fitTokenCode(rows: Float32Array, channels: number, options: CodeOptions): Promise<FittedCode> {
  const { bytes, overlap, signal } = options;
  const products = await productsOf(rows, channels, signal);
  let code: FittedCode | undefined;
  for (const size of bytes === undefined ? sizes : [bytes]) {
    if (code && ((code.overlap ?? 1) >= overlap || code.components === channels)) break;
    const wanted = Math.min(size - Math.floor(size * fineShare), channels);
    const directions = await leadingDirections(products, channels, wanted, rounds, signal);
    code = await codeOf(rows, channels, directions, Math.floor(size * fineShare), signal);
  }
  return code!;
}

async function codeOf(
  rows: Float32Array,
  channels: number,
  directions: readonly Float64Array[],
  mostFine: number,
  signal: AbortSignal,
): Promise<FittedCode> {
  // A stream without a token that saw data has no directions, and the page still wants some.
  const basis = (directions.length > 0 ? directions : [new Float64Array(channels)]).map((row) =>
    Float32Array.from(row),
  );
  const components = basis.length;
  const scales = scalesOf(projected(rows, channels, basis), components, Math.min(mostFine, components));
  const encode = (unit: Float32Array): Int8Array => rounded(projected(unit, channels, basis), components, scales);
  const known = decoded(encode(rows), components, scales);
  return {
    bytes: scales.length,
    components,
    channels,
    scales: Array.from(scales, (scale) => Number(scale.toPrecision(9))),
    overlap: await overlapOf(rows, channels, known, components, signal),
    colors: await colorsOf(known, components, signal),
    directions: Float32Array.from(basis.flatMap((direction) => [...direction])),
    encode,
  };
}

/** `[channels, channels]`: the mean of the products of all pairs of channels. */
async function productsOf(rows: Float32Array, channels: number, signal: AbortSignal): Promise<Float64Array> {
  const out = new Float64Array(channels * channels);
  const count = rows.length / channels;
  for (let row = 0; row < count; row++) {
    if (row % 256 === 255) await turn(signal);
    const unit = rows.subarray(row * channels, (row + 1) * channels);
    for (let i = 0; i < channels; i++) {
      const value = unit[i]!;
      if (value === 0) continue;
      const to = i * channels;
      for (let j = i; j < channels; j++) out[to + j]! += value * unit[j]!;
    }
  }
  for (let i = 0; i < channels; i++)
    for (let j = i; j < channels; j++) out[j * channels + i] = out[i * channels + j]! /= Math.max(1, count);
  return out;
}

function projected(rows: Float32Array, channels: number, basis: readonly Float32Array[]): Float32Array {
  const dimensions = basis.length;
  const count = rows.length / channels;
  const out = new Float32Array(count * dimensions);
  for (let row = 0; row < count; row++) {
    const from = row * channels;
    for (let d = 0; d < dimensions; d++) {
      const direction = basis[d]!;
      let sum = 0;
      for (let c = 0; c < channels; c++) sum += rows[from + c]! * direction[c]!;
      out[row * dimensions + d] = sum;
    }
  }
  return out;
}

/**
 * One for each component, then those of the bytes that refine the first `fine`: half a step of theirs, in 127 steps.
 */
function scalesOf(vectors: Float32Array, components: number, fine: number): Float32Array {
  const largest = new Float32Array(components);
  for (let i = 0; i < vectors.length; i++) {
    const c = i % components;
    largest[c] = Math.max(largest[c]!, Math.abs(vectors[i]!));
  }
  const coarse = largest.map((value) => (value > 0 ? value : 1) / steps);
  return Float32Array.from([...coarse, ...coarse.subarray(0, fine).map((step) => step / (2 * steps))]);
}

function rounded(vectors: Float32Array, components: number, scales: Float32Array): Int8Array {
  const bytes = scales.length;
  const count = vectors.length / components;
  const out = new Int8Array(count * bytes);
  const whole = (value: number): number => Math.max(-steps, Math.min(steps, Math.round(value)));
  for (let row = 0; row < count; row++) {
    const [from, to] = [row * components, row * bytes];
    let some = false;
    let largest = 0;
    for (let i = 0; i < bytes; i++) {
      const c = i < components ? i : i - components;
      const value = vectors[from + c]!;
      out[to + i] = whole((i < components ? value : value - out[to + c]! * scales[c]!) / scales[i]!);
      some ||= out[to + i] !== 0;
      if (i < components && Math.abs(value) > Math.abs(vectors[from + largest]!)) largest = c;
    }
    // Zeros alone say that a token is masked.
    const value = vectors[from + largest]!;
    if (!some && value !== 0) out[to + largest] = Math.sign(value);
  }
  return out;
}

function decoded(coded: Int8Array, components: number, scales: Float32Array): Float32Array {
  const bytes = scales.length;
  const out = new Float32Array((coded.length / bytes) * components);
  for (let at = 0; at < coded.length; at++) {
    const i = at % bytes;
    out[Math.floor(at / bytes) * components + (i < components ? i : i - components)]! += coded[at]! * scales[i]!;
  }
  return out;
}

/** How many of the nearest rows by `exact` are among the nearest by `coded`, as a share. */
async function overlapOf(
  exact: Float32Array,
  channels: number,
  coded: Float32Array,
  dimensions: number,
  signal: AbortSignal,
): Promise<number | null> {
  const count = exact.length / channels;
  if (count <= 2 * neighbors) return null;
  const asked = Math.min(queries, count);
  let kept = 0;
  for (let i = 0; i < asked; i++) {
    if (i % 16 === 15) await turn(signal);
    const row = Math.floor((i * count) / asked);
    const found = new Set(nearest(coded, dimensions, row));
    for (const each of nearest(exact, channels, row)) if (found.has(each)) kept++;
  }
  return kept / (asked * neighbors);
}

function nearest(rows: Float32Array, size: number, query: number): number[] {
  const count = rows.length / size;
  const scores = new Float32Array(count);
  for (let row = 0; row < count; row++) {
    let sum = 0;
    for (let i = 0; i < size; i++) sum += rows[row * size + i]! * rows[query * size + i]!;
    scores[row] = sum;
  }
  scores[query] = -Infinity;
  return [...scores.keys()].sort((a, b) => scores[b]! - scores[a]! || a - b).slice(0, neighbors);
}

/** Three principal components of vectors, with the 1st and the 99th percentile as limits. */
async function colorsOf(vectors: Float32Array, dimensions: number, signal: AbortSignal): Promise<TokenCode['colors']> {
  const count = vectors.length / dimensions;
  const center = new Float64Array(dimensions);
  for (let i = 0; i < vectors.length; i++) center[i % dimensions]! += vectors[i]! / count;
  const centred = vectors.map((value, i) => value - center[i % dimensions]!);
  const products = await productsOf(centred, dimensions, signal);
  const directions = await leadingDirections(products, dimensions, 3, 60, signal);
  while (directions.length < 3) directions.push(new Float64Array(dimensions));
  const along = projected(
    centred,
    dimensions,
    directions.map((direction) => Float32Array.from(direction)),
  );
  const limits = directions.map((_, c): [number, number] => {
    const sorted = Float32Array.from({ length: count }, (_, row) => along[row * 3 + c]!).sort();
    const at = (share: number): number => sorted[Math.min(count - 1, Math.floor(share * count))] ?? 0;
    return [short(at(0.01)), short(at(0.99))];
  });
  return { center: [...center].map(short), directions: directions.map((row) => [...row].map(short)), limits };
}

/** Six digits are more than eight bits hold, and a third of the text. */
const short = (value: number): number => Number(value.toPrecision(6));
