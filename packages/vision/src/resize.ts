// Antialiased resizing of 8-bit RGB pictures: to bytes, exactly as torchvision does it, or to floats.

import type { Rectangle } from '@deepearth/core';
import type { Interpolation } from './picture-processing.ts';
import { offsets, pixelKernel, slack } from './pixel-kernel.ts';
import { fixedWeights, floatWeights, type AxisWeights } from './resize-weights.ts';

/** An 8-bit picture, `[height, width, 3]`, channels fastest. */
export interface Bytes {
  readonly data: Uint8Array;
  readonly height: number;
  readonly width: number;
}

/**
 * Source rows are handed to the kernel this many bytes at a time, so that its memory does not grow with the picture.
 */
const bandBytes = 1 << 21;

/**
 * The part `window` of `source` resized to `height x width`, as `[window.height, window.width, 3]`; the rest is never
 * computed. Columns first, then rows, each rounded to 8 bits; an axis whose size stays is not touched. It is written
 * into `into`, where that is given. Throws a `RangeError` when the window leaves the resized picture.
 */
export function resizeWindow(
  source: Bytes,
  height: number,
  width: number,
  window: Rectangle,
  interpolation: Interpolation = 'bilinear',
  into: Uint8Array = new Uint8Array(window.height * window.width * 3),
): Uint8Array {
  checkInside(window, height, width);
  const columns = source.width === width ? undefined : fixedWeights(source.width, width, interpolation);
  const rows = source.height === height ? undefined : fixedWeights(source.height, height, interpolation);
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
  const made = rows ? out : middle;
  if (rows)
    filterRows(
      middle,
      length,
      ...placeTable(memory, rowTable, rows, window.y, window.height, first),
      rows.taps,
      window.height,
      rows.precision,
      out,
    );
  into.set(memory.subarray(made, made + window.height * length));
  return into;
}

/**
 * The same as `resizeWindow`, without rounding: 32-bit floats in 0…255, which bicubic weights may leave by a little.
 */
export function resizeWindowFloat(
  source: Bytes,
  height: number,
  width: number,
  window: Rectangle,
  interpolation: Interpolation = 'bilinear',
): Float32Array {
  checkInside(window, height, width);
  const columns = floatWeights(source.width, width, interpolation);
  const rows = floatWeights(source.height, height, interpolation);
  const [first, end] = reach(rows, window);
  const length = window.width * 3;
  const stride = source.width * 3;
  const bandRows = Math.min(end - first, Math.max(1, Math.floor(bandBytes / stride)));
  const [middle, band, out, columnTable, rowTable, used] = offsets([
    (end - first) * length * 4 + slack,
    bandRows * stride + slack,
    window.height * length * 4 + slack,
    tableBytes(columns, window.width),
    tableBytes(rows, window.height),
  ]) as [number, number, number, number, number, number];
  const { memory, columnsFloat, rowsFloat } = pixelKernel(used);
  const table = placeTable(memory, columnTable, columns, window.x, window.width, 0);
  for (let y = first; y < end; y += bandRows) {
    const count = Math.min(bandRows, end - y);
    memory.set(source.data.subarray(y * stride, (y + count) * stride), band);
    columnsFloat(band, stride, count, ...table, columns.taps, window.width, middle + (y - first) * length * 4);
  }
  const rowsOf = placeTable(memory, rowTable, rows, window.y, window.height, first);
  rowsFloat(middle, length, ...rowsOf, rows.taps, window.height, out);
  return new Float32Array(memory.buffer, out, window.height * length).slice();
}

/** Resizes a whole picture. */
export const resize = (source: Bytes, height: number, width: number, interpolation?: Interpolation): Uint8Array =>
  resizeWindow(source, height, width, { x: 0, y: 0, width, height }, interpolation);

function checkInside(window: Rectangle, height: number, width: number): void {
  if (window.x < 0 || window.y < 0 || window.x + window.width > width || window.y + window.height > height)
    throw new RangeError(
      `the window ${window.width} x ${window.height} at (${window.x}, ${window.y}) leaves a picture of ${width} x ${height}`,
    );
}

/** Input rows that a window of the output needs: from the first to before the end. */
function reach({ start, size }: AxisWeights, { y, height }: Rectangle): [first: number, end: number] {
  let end = 0;
  for (let row = y; row < y + height; row++) end = Math.max(end, start[row]! + size[row]!);
  return [start[y]!, end];
}

const tableBytes = ({ taps, weights }: AxisWeights, count: number): number =>
  count * (8 + weights.BYTES_PER_ELEMENT * taps);

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
  const part = weights.subarray(from * taps, (from + count) * taps);
  memory.set(new Uint8Array(part.buffer, part.byteOffset, part.byteLength), at + 8 * count);
  return [at, at + 4 * count, at + 8 * count];
}
