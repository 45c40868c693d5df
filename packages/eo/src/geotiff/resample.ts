// Brings samples from the grid they are stored in to another that lies parallel to it.

import type { Rectangle } from '@deepearth/core';
import { makeSamples, type Samples, type SampleType } from './samples.ts';

/** How a value between pixels is found: that of the nearest one, or one between the four around it. */
export type Resampling = 'nearest' | 'bilinear';

/** How a pixel of the wanted grid is found in the stored one: column · scale + offset, of corners of pixels. */
export interface AxisMap {
  readonly scale: number;
  readonly offset: number;
}

/** What is arithmetic noise, in pixels: coordinates of a million metres are told apart to a billionth of a pixel. */
const noise = 1e-6;

/** The stored pixels of one axis that wanted ones need, and how they share in each. */
export interface AxisPlan {
  /** The stored pixels that are read. */
  readonly first: number;
  readonly count: number;
  /** By wanted pixel: the stored one that holds its centre, counted from `first`; -1 where there is none. */
  readonly nearest: Int32Array;
  /** The lower of the two stored centres around that of a wanted pixel, from `first`; may be -1 at an edge. */
  readonly lower: Int32Array;
  /** The share of the upper one. */
  readonly share: Float64Array;
  /** Whether wanted pixels are stored ones, in a row, without a gap. */
  readonly direct: boolean;
}

/** Plans one axis: wanted pixels from `start` on, of a stored axis of `length` pixels. */
export function planAxis(
  { scale, offset }: AxisMap,
  start: number,
  count: number,
  length: number,
  how: Resampling,
): AxisPlan {
  const nearest = new Int32Array(count).fill(-1);
  const lower = new Int32Array(count).fill(-1);
  const share = new Float64Array(count);
  let [first, last] = [Infinity, -Infinity];
  for (let i = 0; i < count; i++) {
    const place = (start + i + 0.5) * scale + offset;
    const pixel = Math.floor(place + noise);
    if (pixel < 0 || pixel >= length) continue;
    nearest[i] = pixel;
    const between = place - 0.5;
    const snapped = Math.abs(between - Math.round(between)) < noise ? Math.round(between) : between;
    lower[i] = Math.floor(snapped);
    share[i] = snapped - lower[i]!;
    const reach = how === 'bilinear' && share[i]! > 0 ? 1 : 0;
    first = Math.min(first, pixel, reach ? Math.max(lower[i]!, 0) : pixel);
    last = Math.max(last, pixel, reach ? Math.min(lower[i]! + 1, length - 1) : pixel);
  }
  if (first > last) return { first: 0, count: 0, nearest, lower, share, direct: false };
  let direct = true;
  for (let i = 0; i < count; i++) {
    if (nearest[i]! >= 0) nearest[i]! -= first;
    lower[i]! -= first;
    if (nearest[i] !== i || (how === 'bilinear' && share[i]! > 0)) direct = false;
  }
  return { first, count: last - first + 1, nearest, lower, share, direct };
}

/** The part of a stored raster that two plans read; `undefined` where it has nothing to do with what is wanted. */
export const partToRead = (rows: AxisPlan, columns: AxisPlan): Rectangle | undefined =>
  rows.count === 0 || columns.count === 0
    ? undefined
    : { x: columns.first, y: rows.first, width: columns.count, height: rows.count };

/** Samples of one band and which of them hold data; `undefined` where all do. */
export interface Band {
  readonly values: Samples;
  readonly valid: Uint8Array | undefined;
}

/**
 * The samples of a wanted grid. A pixel holds data where the stored pixel that its centre lies in does. `bilinear`
 * weighs those of the four around it that hold data; whole numbers are rounded, halves up. Pixels beyond the stored
 * raster are 0 and hold no data.
 */
export function resample(type: SampleType, stored: Band, rows: AxisPlan, columns: AxisPlan, how: Resampling): Band {
  const [height, width] = [rows.nearest.length, columns.nearest.length];
  if (rows.direct && columns.direct) return stored;
  const values = makeSamples(type, width * height);
  const valid = new Uint8Array(width * height);
  const round = !type.startsWith('float');
  let whole = true;
  for (let y = 0; y < height; y++) {
    const row = rows.nearest[y]!;
    for (let x = 0; x < width; x++) {
      const to = y * width + x;
      const column = columns.nearest[x]!;
      const from = row * columns.count + column;
      if (row < 0 || column < 0 || stored.valid?.[from] === 0) {
        whole = false;
        continue;
      }
      valid[to] = 1;
      const value = how === 'nearest' ? stored.values[from]! : between(stored, rows, columns, y, x);
      values[to] = round && how === 'bilinear' ? Math.floor(value + 0.5) : value;
    }
  }
  return { values, valid: whole ? undefined : valid };
}

function between({ values, valid }: Band, rows: AxisPlan, columns: AxisPlan, y: number, x: number): number {
  let [sum, weights] = [0, 0];
  for (const down of [0, 1]) {
    const row = rows.lower[y]! + down;
    const high = down ? rows.share[y]! : 1 - rows.share[y]!;
    if (high === 0 || row < 0 || row >= rows.count) continue;
    for (const right of [0, 1]) {
      const column = columns.lower[x]! + right;
      const weight = high * (right ? columns.share[x]! : 1 - columns.share[x]!);
      const from = row * columns.count + column;
      if (weight === 0 || column < 0 || column >= columns.count || valid?.[from] === 0) continue;
      sum += weight * values[from]!;
      weights += weight;
    }
  }
  return sum / weights;
}
