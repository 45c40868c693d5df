// Brings values of any type to 8 bits with one stretch for a whole series.

import { tensor, zeros, type Raster } from '@deepearth/core';
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

/** Counts 16-bit values, to find percentiles of more of them than fit into memory. */
export interface ValueCounts {
  /** Counts the values of all channels of pixels that hold data. */
  add(raster: Raster): void;
  /**
   * Values below which `low` and `high` percent of the counted ones lie, between neighbours as NumPy's `percentile` does.
   * A range of one value is widened by 1; `undefined` where nothing was counted.
   */
  range(low: number, high: number): ValueRange | undefined;
}

/** Starts with no values counted. */
export function countValues(): ValueCounts {
  const counts = zeros('float64', [65_536]).data;
  let total = 0;
  /** The value at a place among all in order, from 0. */
  const at = (place: number): number => {
    let below = 0;
    for (let value = 0; value < counts.length; value++) {
      below += counts[value]!;
      if (below > place) return value;
    }
    return counts.length - 1;
  };
  const percentile = (percent: number): number => {
    const place = (percent / 100) * (total - 1);
    const [lower, upper] = [at(Math.floor(place)), at(Math.ceil(place))];
    return lower + (upper - lower) * (place - Math.floor(place));
  };
  return {
    add({ values: { data, shape }, valid }) {
      const channels = shape[2]!;
      for (let i = 0; i < data.length; i++) {
        if (valid && valid[Math.floor(i / channels)] === 0) continue;
        counts[data[i]!]!++;
        total++;
      }
    },
    range(low, high) {
      if (total === 0) return undefined;
      const [least, most] = [percentile(low), percentile(high)];
      return most > least ? [least, most] : [least, least + 1];
    },
  };
}
