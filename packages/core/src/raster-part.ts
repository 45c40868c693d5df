// A part of a raster, or a smaller copy of it: what `read({ window, overview })` means for any source.

import type { Raster, Rectangle } from './items.ts';
import { zeros } from './tensor.ts';

/**
 * Which part of a picture is wanted, and how small; all of it at full size by default. A frame's `ReadOptions` are one.
 */
export interface PartOptions {
  /** In pixels of the picture. */
  readonly window?: Rectangle | undefined;
  /** A whole factor: each value is the mean of `overview x overview` pixels. */
  readonly overview?: number | undefined;
}

/**
 * The pixels of `window` alone, `[window.height, window.width, channels]`; `valid` is left out where all of them hold
 * data. The raster itself when the window is all of it. Throws a `RangeError` for a window that is empty, not of whole
 * pixels, or leaves the raster.
 */
export function cropRaster(raster: Raster, window: Rectangle): Raster {
  const [height, width, channels] = raster.values.shape as [number, number, number];
  checkWindow(window, width, height);
  if (window.width === width && window.height === height) return raster;
  const { dtype, data } = raster.values;
  const line = window.width * channels;
  const values = zeros(dtype, [window.height, window.width, channels]);
  for (let y = 0; y < window.height; y++) {
    const from = ((window.y + y) * width + window.x) * channels;
    values.data.set(data.subarray(from, from + line), y * line);
  }
  return rasterOf(raster.channels, values, raster.valid && cropMask(raster.valid, width, window));
}

function cropMask(mask: Uint8Array, width: number, window: Rectangle): Uint8Array {
  const out = new Uint8Array(window.height * window.width);
  for (let y = 0; y < window.height; y++) {
    const from = (window.y + y) * width + window.x;
    out.set(mask.subarray(from, from + window.width), y * window.width);
  }
  return out;
}

/**
 * A raster of `ceil(height / factor) x ceil(width / factor)` pixels, each value the mean of the pixels it covers (fewer
 * at the lower and right edge): of those that hold data, or of all where none does, and then it is not valid. Means of
 * whole numbers are rounded, halves up. The raster itself for a factor of 1. Throws a `RangeError` for a factor that is
 * no whole number of at least 1.
 */
export function overviewRaster(raster: Raster, factor: number): Raster {
  if (!Number.isInteger(factor) || factor < 1)
    throw new RangeError(`an overview is a whole factor of at least 1, got ${factor}`);
  if (factor === 1) return raster;
  const [height, width, channels] = raster.values.shape as [number, number, number];
  const { dtype, data } = raster.values;
  const rows = Math.ceil(height / factor);
  const columns = Math.ceil(width / factor);
  const values = zeros(dtype, [rows, columns, channels]);
  const valid = raster.valid && new Uint8Array(rows * columns);
  const sums = new Float64Array(columns * channels);
  const counts = new Float64Array(columns);
  for (let row = 0; row < rows; row++) {
    const top = row * factor;
    const bottom = Math.min(top + factor, height);
    sumBlocks(raster, top, bottom, factor, sums, counts);
    for (let column = 0; column < columns; column++) {
      if (valid) valid[row * columns + column] = counts[column] ? 1 : 0;
      if (counts[column]) continue;
      // No pixel of the block holds data: its numbers are the mean of whatever stands there.
      const left = column * factor;
      const right = Math.min(left + factor, width);
      counts[column] = (bottom - top) * (right - left);
      for (let y = top; y < bottom; y++)
        for (let x = left; x < right; x++)
          for (let c = 0; c < channels; c++) sums[column * channels + c]! += data[(y * width + x) * channels + c]!;
    }
    const at = row * columns * channels;
    for (let i = 0; i < sums.length; i++) {
      const mean = sums[i]! / counts[Math.floor(i / channels)]!;
      values.data[at + i] = dtype === 'float32' ? mean : Math.floor(mean + 0.5);
    }
  }
  return rasterOf(raster.channels, values, valid);
}

/** What `window` and `overview` ask of a raster that has been read whole: cropped first, then made smaller. */
export function partOfRaster(raster: Raster, { window, overview = 1 }: PartOptions = {}): Raster {
  return overviewRaster(window ? cropRaster(raster, window) : raster, overview);
}

/**
 * A window of a picture's part, in pixels of the picture; all of the part where there is no window. Throws a
 * `RangeError` for a window that leaves the part.
 */
export function windowWithin(part: Rectangle, window: Rectangle | undefined): Rectangle {
  if (!window) return part;
  checkWindow(window, part.width, part.height);
  return { ...window, x: part.x + window.x, y: part.y + window.y };
}

/** Throws a `RangeError` for a window that is empty, not of whole pixels, or leaves a picture of `width x height`. */
export function checkWindow(window: Rectangle, width: number, height: number): void {
  const { x, y, width: columns, height: rows } = window;
  const whole = [x, y, columns, rows].every(Number.isInteger);
  if (whole && x >= 0 && y >= 0 && columns > 0 && rows > 0 && x + columns <= width && y + rows <= height) return;
  throw new RangeError(
    `a window is of whole pixels inside the picture of ${width} x ${height}, got ${columns} x ${rows} at (${x}, ${y})`,
  );
}

/** `valid` is absent where every pixel holds data. */
const rasterOf = (channels: Raster['channels'], values: Raster['values'], valid: Uint8Array | undefined): Raster =>
  valid?.includes(0) ? { values, channels, valid } : { values, channels };

/** Sums and numbers of the pixels with data, block by block, of one row of blocks. */
function sumBlocks(
  { values: { data, shape }, valid }: Raster,
  top: number,
  bottom: number,
  factor: number,
  sums: Float64Array,
  counts: Float64Array,
): void {
  const [, width, channels] = shape as [number, number, number];
  sums.fill(0);
  counts.fill(0);
  for (let y = top; y < bottom; y++)
    for (let x = 0; x < width; x++) {
      const pixel = y * width + x;
      if (valid?.[pixel] === 0) continue;
      const column = Math.floor(x / factor);
      counts[column]!++;
      for (let c = 0; c < channels; c++) sums[column * channels + c]! += data[pixel * channels + c]!;
    }
}
