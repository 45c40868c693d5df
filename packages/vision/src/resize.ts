// Antialiased bilinear resizing of 8-bit RGB pictures, to the byte as torchvision does it.

import type { Rectangle } from './geometry.ts';
import { offsets, pixelKernel, slack } from './pixel-kernel.ts';

/**
 * Where one axis of the output reads from: output `i` is the weighted sum of `size[i]` input values from `start[i]`,
 * its weights at `weights[i * taps]`, in units of `2^-precision`; `taps` is even, weights that are not needed are 0.
 */
interface AxisWeights {
  readonly taps: number;
  readonly precision: number;
  readonly start: Int32Array;
  readonly size: Int32Array;
  readonly weights: Int16Array;
}

/** Sums of products are kept in 32 bits and weights in 16, so no more than 22 binary digits fit. */
const maxPrecision = 22;
const cacheSize = 64;
const cache = new Map<string, AxisWeights>();

/**
 * A triangle filter, stretched to the scale when it shrinks (antialiasing), its weights as 16-bit fixed point with as
 * many binary digits as the largest weight allows. Source: torchvision `resize(antialias=True)` on uint8 tensors,
 * PyTorch's `_upsample_bilinear2d_aa`.
 */
function computeWeights(input: number, output: number): AxisWeights {
  const scale = input / output;
  const support = Math.max(scale, 1);
  const taps = Math.ceil(support) * 2 + 2;
  const start = new Int32Array(output);
  const size = new Int32Array(output);
  const exact = new Float64Array(output * taps);
  let largest = 0;
  for (let i = 0; i < output; i++) {
    const centre = scale * (i + 0.5);
    const from = Math.max(Math.trunc(centre - support + 0.5), 0);
    const count = Math.min(Math.trunc(centre + support + 0.5), input) - from;
    let total = 0;
    for (let j = 0; j < count; j++) {
      const distance = Math.abs((j + from - centre + 0.5) * (1 / support));
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
  return {
    taps,
    precision,
    start,
    size,
    weights: Int16Array.from(exact, (weight) => Math.trunc(0.5 + weight * 2 ** precision)),
  };
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

/** An 8-bit picture, `[height, width, 3]`, channels fastest. */
export interface Bytes {
  readonly data: Uint8Array;
  readonly height: number;
  readonly width: number;
}

/**
 * The part `window` of `source` resized to `height x width`, as `[window.height, window.width, 3]`; the rest is never
 * computed. Columns first, then rows, each rounded to 8 bits; an axis whose size stays is not touched. Throws a
 * `RangeError` when the window leaves the resized picture.
 */
export function resizeWindow(source: Bytes, height: number, width: number, window: Rectangle): Uint8Array {
  if (window.x < 0 || window.y < 0 || window.x + window.width > width || window.y + window.height > height)
    throw new RangeError(
      `the window ${window.width} x ${window.height} at (${window.x}, ${window.y}) leaves a picture of ${width} x ${height}`,
    );
  const columns = source.width === width ? undefined : axisWeights(source.width, width);
  const rows = source.height === height ? undefined : axisWeights(source.height, height);
  const [first, end] = rows ? reach(rows, window) : [window.y, window.y + window.height];
  const length = window.width * 3;
  const stride = source.width * 3;
  const bandRows = Math.min(end - first, Math.max(1, Math.floor(bandBytes / stride)));
  // The kernel reads a row past the last one, and a few bytes past what it reads or writes.
  const [middle, band, out, columnTable, rowTable, used] = offsets([
    (end - first + 1) * length + slack,
    columns ? bandRows * stride + slack : 0,
    rows ? window.height * length + slack : 0,
    columns ? tableBytes(columns, window.width) : 0,
    rows ? tableBytes(rows, window.height) : 0,
  ]) as [number, number, number, number, number, number];
  const { memory, columns: filterColumns, rows: filterRows } = pixelKernel(used);

  if (columns) {
    const table = placeTable(memory, columnTable, columns, window.x, window.width, 0);
    for (let y = first; y < end; y += bandRows) {
      const count = Math.min(bandRows, end - y);
      memory.set(source.data.subarray(y * stride, (y + count) * stride), band);
      filterColumns(
        band,
        stride,
        count,
        ...table,
        columns.taps,
        window.width,
        columns.precision,
        middle + (y - first) * length,
      );
    }
  } else {
    for (let y = first; y < end; y++)
      memory.set(
        source.data.subarray(y * stride + window.x * 3, y * stride + window.x * 3 + length),
        middle + (y - first) * length,
      );
  }
  if (!rows) return memory.slice(middle, middle + window.height * length);
  filterRows(
    middle,
    length,
    ...placeTable(memory, rowTable, rows, window.y, window.height, first),
    rows.taps,
    window.height,
    rows.precision,
    out,
  );
  return memory.slice(out, out + window.height * length);
}

/** Resizes a whole picture. */
export const resize = (source: Bytes, height: number, width: number): Uint8Array =>
  resizeWindow(source, height, width, { x: 0, y: 0, width, height });

/** Input rows that a window of the output needs: from the first to before the end. */
function reach({ start, size }: AxisWeights, { y, height }: Rectangle): [first: number, end: number] {
  let end = 0;
  for (let row = y; row < y + height; row++) end = Math.max(end, start[row]! + size[row]!);
  return [start[y]!, end];
}

/**
 * Source rows are handed to the kernel this many bytes at a time, so that its memory does not grow with the picture.
 */
const bandBytes = 1 << 21;

const tableBytes = ({ taps }: AxisWeights, count: number): number => count * (8 + 2 * taps);

/** Copies the part of a table that a window needs; returns where starts (less `shift`), sizes and weights lie. */
function placeTable(
  memory: Uint8Array,
  at: number,
  { taps, start, size, weights }: AxisWeights,
  from: number,
  count: number,
  shift: number,
): [starts: number, sizes: number, weights: number] {
  const starts = new Int32Array(memory.buffer, at, count);
  starts.set(start.subarray(from, from + count));
  if (shift) for (let i = 0; i < count; i++) starts[i]! -= shift;
  new Int32Array(memory.buffer, at + 4 * count, count).set(size.subarray(from, from + count));
  new Int16Array(memory.buffer, at + 8 * count, count * taps).set(weights.subarray(from * taps, (from + count) * taps));
  return [at, at + 4 * count, at + 8 * count];
}
