// Counts the colours of a frame, to tell pictures of one scene from those of another.

import type { Raster } from '@deepearth/core';

/** Levels of brightness, and of each of the two differences of colour. */
const [lumaBins, chromaBins] = [32, 16];

/**
 * Shares of brightness (32 levels) and of the differences of blue and red from it (16 each), of BT.601; the three parts
 * have sums of 1. Pixels without data are left out; all are 0 where there is none. `range` has the values that are
 * black and white, 0 and 255 unless told; one channel is grey.
 */
export function colourHistogram({ values, valid }: Raster, range: readonly [number, number] = [0, 255]): Float64Array {
  const counts = new Float64Array(lumaBins + 2 * chromaBins);
  const { data, shape } = values;
  const channels = shape[2]!;
  const [green, blue] = channels < 3 ? [0, 0] : [1, 2];
  const scale = 255 / (range[1] - range[0]);
  const level = (value: number): number => Math.min(255, Math.max(0, (value - range[0]) * scale));
  let pixels = 0;
  for (let i = 0, at = 0; at < data.length; i++, at += channels) {
    if (valid?.[i] === 0) continue;
    const [r, g, b] = [level(data[at]!), level(data[at + green]!), level(data[at + blue]!)];
    const luma = 0.299 * r + 0.587 * g + 0.114 * b;
    const chroma = (difference: number): number => Math.floor((difference + 127.5) * (chromaBins / 255.01));
    counts[Math.floor(luma * (lumaBins / 255.01))]!++;
    counts[lumaBins + chroma((b - luma) / 1.772)]!++;
    counts[lumaBins + chromaBins + chroma((r - luma) / 1.402)]!++;
    pixels++;
  }
  return pixels === 0 ? counts : counts.map((count) => count / pixels);
}

/**
 * How different two histograms are: 0 for the same colours, 1 where brightness or a colour shares nothing. The share of
 * pixels that would have to change in the part that differs most, since pictures without colours differ in brightness
 * alone; levels beside one another are half the same, so that a little more light is not another scene.
 */
export function histogramDifference(one: Float64Array, other: Float64Array): number {
  let most = 0;
  for (const [start, end] of [
    [0, lumaBins],
    [lumaBins, lumaBins + chromaBins],
    [lumaBins + chromaBins, lumaBins + 2 * chromaBins],
  ] as const) {
    const smooth = (histogram: Float64Array, at: number): number => {
      const own = histogram[at]!;
      // At the ends what would spread beyond stays.
      const before = at > start ? histogram[at - 1]! : own;
      const after = at + 1 < end ? histogram[at + 1]! : own;
      return own / 2 + before / 4 + after / 4;
    };
    let sum = 0;
    for (let at = start; at < end; at++) sum += Math.abs(smooth(one, at) - smooth(other, at));
    most = Math.max(most, sum / 2);
  }
  return most;
}
