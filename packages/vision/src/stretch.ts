// Brings values of any type to 8 bits with one stretch for a whole series.

import { tensor, type Raster } from '@deepearth/core';
import type { ValueRange } from './preprocess-raster.ts';

/**
 * 8-bit values: `low` and what lies below becomes 0, `high` and what lies above 255, halves are rounded to even, as
 * encoders do with their `range`. `[height, width, channels]` and the mask stay; NaN becomes 0.
 */
export function stretchRaster({ values, channels, valid }: Raster, [low, high]: ValueRange): Raster {
  const factor = 255 / (high - low);
  const out = new Uint8ClampedArray(values.data.length);
  for (let i = 0; i < out.length; i++) out[i] = (values.data[i]! - low) * factor;
  return { values: tensor('uint8', values.shape, new Uint8Array(out.buffer)), channels, ...(valid && { valid }) };
}

/** Finds percentiles of more values than fit into memory. */
export interface ValueCounts {
  /** Counts the values of all channels of pixels that hold data. */
  add(raster: Raster): void;
  /**
   * Values below which `low` and `high` percent of the counted ones lie, between neighbours as NumPy's `percentile`
   * does. A range of one value is widened by 1; `undefined` where nothing was counted.
   */
  range(low: number, high: number): ValueRange | undefined;
  /**
   * The ends of that range which look like a value for "no data" that nobody declared: exactly what the lowest
   * (highest) `low` (`100 - high`) percent are, and more than ten times as far from the median as the other end.
   */
  fills(low: number, high: number): readonly number[];
}

/** The warning of such a value; `declare` says what to do where it does mean no data. */
export const fillWarning = (value: number, declare = 'let the files say so (GDAL_NODATA)'): string =>
  `many values are ${value}, so far from all others that these have hardly any contrast; if it means no data, ${declare}, or give \`stretch: { range: [low, high] }\``;

/** Values that are kept of a series to sort them; whole numbers of up to 16 bits are counted instead, all of them. */
const mostKept = 2 ** 22;

/** How many times as far from the median as the other end of a range a fill value lies. */
const far = 10;

/**
 * Starts with no values counted. Of `rasters` rasters of floats as many values are kept of each as there is room for.
 */
export function countValues(rasters: number): ValueCounts {
  const kept: Float32Array[] = [];
  // From -32,768 to 65,535.
  const counts = new Float64Array(98_304);
  const origin = 32_768;
  let counted = 0;

  const addFloats = ({ values: { data }, valid }: Raster, channels: number): void => {
    const step = Math.max(1, Math.ceil((data.length * rasters) / mostKept));
    const found: number[] = [];
    for (let i = 0; i < data.length; i += step)
      if (valid?.[Math.floor(i / channels)] !== 0 && Number.isFinite(data[i]!)) found.push(data[i]!);
    kept.push(Float32Array.from(found));
  };

  /** What stands at a place among all counted values in order, from 0. */
  const countedAt = (place: number): number => {
    let below = 0;
    for (let i = 0; i < counts.length; i++) {
      below += counts[i]!;
      if (below > place) return i - origin;
    }
    return counts.length - 1 - origin;
  };

  /** Percentiles of the values so far, as NumPy finds them; `undefined` where there are none. */
  const inOrder = (): ((percent: number) => number) | undefined => {
    const total = kept.reduce((sum, { length }) => sum + length, 0);
    if (total + counted === 0) return undefined;
    const sorted = new Float32Array(total);
    kept.reduce((at, part) => (sorted.set(part, at), at + part.length), 0);
    sorted.sort();
    return (percent) => {
      const place = (percent / 100) * ((total || counted) - 1);
      const valueAt = total ? (index: number): number => sorted[index]! : countedAt;
      const [lower, upper] = [valueAt(Math.floor(place)), valueAt(Math.ceil(place))];
      return lower + (upper - lower) * (place - Math.floor(place));
    };
  };

  return {
    add(raster) {
      const { values, valid } = raster;
      const channels = values.shape[2]!;
      if (values.dtype === 'float32') return addFloats(raster, channels);
      for (let i = 0; i < values.data.length; i++) {
        if (valid?.[Math.floor(i / channels)] === 0) continue;
        counts[values.data[i]! + origin]!++;
        counted++;
      }
    },
    range(low, high) {
      const percentile = inOrder();
      if (!percentile) return undefined;
      const [least, most] = [percentile(low), percentile(high)];
      return most > least ? [least, most] : [least, least + 1];
    },
    fills(low, high) {
      const percentile = inOrder();
      if (!percentile) return [];
      const [least, middle, most] = [percentile(low), percentile(50), percentile(high)];
      const below = low > 0 && percentile(0) === least && middle - least > far * (most - middle);
      const above = high < 100 && percentile(100) === most && most - middle > far * (middle - least);
      return [...(below ? [least] : []), ...(above ? [most] : [])];
    },
  };
}
