// How many pixels the pictures of some streams have, for plans.

import { axisSize, itemBytes, type StreamSpec } from '@deepearth/core';

/** Pixels of all pictures of some streams, at most; `undefined` where sizes or counts are not known. */
export function pixelsOf(inputs: readonly { readonly spec: StreamSpec }[]): PictureSum | undefined {
  let sum: PictureSum = { pictures: 0, pixels: 0, values: 0 };
  for (const { spec } of inputs) {
    const values = itemBytes(spec) ?? spec.most?.itemBytes;
    const count = spec.count ?? spec.most?.count;
    if (values === undefined || count === undefined) return undefined;
    sum = {
      pictures: sum.pictures + count,
      pixels: sum.pixels + (values / (axisSize(spec, 'channels') ?? 3)) * count,
      values: sum.values + values * count,
    };
  }
  return sum;
}

/** All pictures of a sink's inputs together. */
export interface PictureSum {
  readonly pictures: number;
  readonly pixels: number;
  /** Pixels times channels. */
  readonly values: number;
}
