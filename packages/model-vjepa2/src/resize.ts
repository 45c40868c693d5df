// Antialiased bilinear resizing of 8-bit rasters, to the byte as torchvision does it.

/**
 * Where one axis of the output reads from: output `i` is the weighted sum of `size[i]` input values from `start[i]`, its weights at
 * `weights[i * taps]`, in units of `2^-precision`.
 */
interface AxisWeights {
  readonly taps: number;
  readonly precision: number;
  readonly start: Int32Array;
  readonly size: Int32Array;
  readonly weights: Int32Array;
}

/** Sums of products are kept in 32 bits and weights in 16, so no more than 22 binary digits fit. */
const maxPrecision = 22;
const cacheSize = 64;
const cache = new Map<string, AxisWeights>();

/**
 * A triangle filter, stretched to the scale when it shrinks (antialiasing), its weights as 16-bit fixed point with as many binary
 * digits as the largest weight allows. Source: torchvision `resize(antialias=True)` on uint8 tensors, PyTorch's `_upsample_bilinear2d_aa`.
 */
function computeWeights(input: number, output: number): AxisWeights {
  const scale = input / output;
  const stretch = Math.max(scale, 1);
  const support = stretch;
  const taps = Math.ceil(support) * 2 + 1;
  const start = new Int32Array(output);
  const size = new Int32Array(output);
  const exact = new Float64Array(output * taps);
  let largest = 0;
  for (let i = 0; i < output; i++) {
    const centre = scale * (i + 0.5);
    const from = Math.max(Math.trunc(centre - support + 0.5), 0);
    const count = Math.min(Math.max(Math.min(Math.trunc(centre + support + 0.5), input) - from, 0), taps);
    let total = 0;
    for (let j = 0; j < count; j++) {
      const distance = Math.abs((j + from - centre + 0.5) * (1 / stretch));
      const weight = distance < 1 ? 1 - distance : 0;
      exact[i * taps + j] = weight;
      total += weight;
    }
    for (let j = 0; j < count; j++) {
      const weight = exact[i * taps + j]! / total;
      exact[i * taps + j] = weight;
      largest = Math.max(largest, weight);
    }
    start[i] = from;
    size[i] = count;
  }
  let precision = 0;
  while (precision < maxPrecision && Math.trunc(0.5 + largest * 2 ** (precision + 1)) < 1 << 15) precision++;
  return { taps, precision, start, size, weights: Int32Array.from(exact, (weight) => Math.trunc(0.5 + weight * 2 ** precision)) };
}

function axisWeights(input: number, output: number): AxisWeights {
  const key = `${input}:${output}`;
  const known = cache.get(key);
  if (known) return known;
  const made = computeWeights(input, output);
  if (cache.size >= cacheSize) cache.delete(cache.keys().next().value!);
  cache.set(key, made);
  return made;
}

const identity = (length: number): AxisWeights => ({
  taps: 1,
  precision: 0,
  start: Int32Array.from({ length }, (_, i) => i),
  size: new Int32Array(length).fill(1),
  weights: new Int32Array(length).fill(1),
});

/** A rectangle in pixels. */
export interface Window {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** An 8-bit picture: `[height, width, channels]`, channels fastest. */
export interface Bytes {
  readonly data: Uint8Array;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/**
 * The part `window` of `source` resized to `height x width`, as `[window.height, window.width, channels]`; the rest is never computed.
 * Columns first, then rows, each rounded to 8 bits; an axis whose size stays is not touched. Throws a `RangeError` when the window leaves the resized picture.
 */
export function resizeWindow(source: Bytes, height: number, width: number, window: Window): Uint8Array {
  if (window.x < 0 || window.y < 0 || window.x + window.width > width || window.y + window.height > height)
    throw new RangeError(`the window ${window.width} x ${window.height} at (${window.x}, ${window.y}) leaves a picture of ${width} x ${height}`);
  const rows = source.height === height ? identity(height) : axisWeights(source.height, height);
  const first = rows.start[window.y]!;
  let end = first;
  for (let y = window.y; y < window.y + window.height; y++) end = Math.max(end, rows.start[y]! + rows.size[y]!);
  const columns = source.width === width ? undefined : axisWeights(source.width, width);
  const middle = columns ? filterColumns(source, columns, first, end, window) : copyColumns(source, first, end, window);
  return source.height === height ? middle : filterRows(middle, window.width * source.channels, rows, first, window);
}

/** Resizes a whole picture. */
export const resize = (source: Bytes, height: number, width: number): Uint8Array => resizeWindow(source, height, width, { x: 0, y: 0, width, height });

function copyColumns({ data, width, channels }: Bytes, first: number, end: number, window: Window): Uint8Array {
  const length = window.width * channels;
  const out = new Uint8Array((end - first) * length);
  for (let y = first; y < end; y++) {
    const at = (y * width + window.x) * channels;
    out.set(data.subarray(at, at + length), (y - first) * length);
  }
  return out;
}

function filterColumns({ data, width, channels }: Bytes, { taps, precision, start, size, weights }: AxisWeights, first: number, end: number, window: Window): Uint8Array {
  const out = new Uint8ClampedArray((end - first) * window.width * channels);
  const half = precision > 0 ? 1 << (precision - 1) : 0;
  // `| 0` says that sums stay 32-bit integers, which keeps the loops in integer registers.
  let to = 0;
  for (let y = first; y < end; y++) {
    const row = y * width * channels;
    for (let x = window.x; x < window.x + window.width; x++) {
      const from = row + start[x]! * channels;
      const count = size[x]!;
      const weight = x * taps;
      if (channels === 3) {
        let red = half;
        let green = half;
        let blue = half;
        for (let j = 0, at = from; j < count; j++, at += 3) {
          const w = weights[weight + j]!;
          red = (red + Math.imul(data[at]!, w)) | 0;
          green = (green + Math.imul(data[at + 1]!, w)) | 0;
          blue = (blue + Math.imul(data[at + 2]!, w)) | 0;
        }
        out[to++] = red >> precision;
        out[to++] = green >> precision;
        out[to++] = blue >> precision;
      } else {
        for (let c = 0; c < channels; c++) {
          let sum = half;
          for (let j = 0, at = from + c; j < count; j++, at += channels) sum = (sum + Math.imul(data[at]!, weights[weight + j]!)) | 0;
          out[to++] = sum >> precision;
        }
      }
    }
  }
  return new Uint8Array(out.buffer);
}

function filterRows(data: Uint8Array, length: number, { taps, precision, start, size, weights }: AxisWeights, first: number, window: Window): Uint8Array {
  const out = new Uint8ClampedArray(window.height * length);
  const half = precision > 0 ? 1 << (precision - 1) : 0;
  const sums = new Int32Array(length);
  for (let y = window.y; y < window.y + window.height; y++) {
    sums.fill(half);
    for (let j = 0; j < size[y]!; j++) {
      const w = weights[y * taps + j]!;
      const from = (start[y]! - first + j) * length;
      for (let x = 0; x < length; x++) sums[x] = (sums[x]! + Math.imul(data[from + x]!, w)) | 0;
    }
    const to = (y - window.y) * length;
    for (let x = 0; x < length; x++) out[to + x] = sums[x]! >> precision;
  }
  return new Uint8Array(out.buffer);
}
