// What the extractor returns for one clip: a grid of tokens with the few things one does with it.

import type { Geometry } from '@deepearth/core/items';
import { poolTokens } from '@deepearth/core/pooling';
import { elementCount, reshape, select, type Tensor } from '@deepearth/core/tensor';

/** How a grid is pooled: over everything, over space at each time step, or over time at each place. */
export const poolings = ['mean', 'max', 'spatialMean', 'temporalMean'] as const;
/** One of `poolings`. */
export type Pooling = (typeof poolings)[number];

/** The token grid of one clip. */
export interface Tokens {
  /** `[time, height, width, channels]`: `[8, 24, 24, 1408]` for 16 frames at 384 pixels through ViT-g. */
  readonly values: Tensor<'float32'>;
  /** `[time, height, width, channels]`. */
  readonly shape: readonly [time: number, height: number, width: number, channels: number];
  /** Which part of the frames the grid covers, frame pixels. */
  readonly geometry: Geometry;
  /**
   * `[time, height, width]`, 0 where a token saw nothing but padding or pixels without data; absent when all are good.
   */
  readonly valid?: Uint8Array;
  /** The same values under another shape; one size may be -1. Throws a `RangeError` when the counts differ. */
  reshape(shape: readonly number[]): Tensor<'float32'>;
  /**
   * The tokens of one time step, `[height, width, channels]`; a view. Throws a `RangeError` when there is no such step.
   */
  frame(time: number): Tensor<'float32'>;
  /** The tokens of one place through time, `[time, channels]`. Throws a `RangeError` when there is no such place. */
  place(row: number, column: number): Tensor<'float32'>;
  /**
   * Pools valid tokens: `[channels]`, or `[time, channels]`, or `[height, width, channels]`; NaN where none is valid.
   */
  aggregate(method: Pooling): Tensor<'float32'>;
}

/** Which result each token goes to, and the result's shape. */
const regions: Readonly<
  Record<Pooling, (shape: Tokens['shape']) => { shape: number[]; of(time: number, cell: number): number }>
> = {
  mean: () => ({ shape: [], of: () => 0 }),
  max: () => ({ shape: [], of: () => 0 }),
  spatialMean: ([time]) => ({ shape: [time], of: (step) => step }),
  temporalMean: ([, height, width]) => ({ shape: [height, width], of: (_, cell) => cell }),
};

/** Puts the methods around a grid. */
export function tokensOf(values: Tensor<'float32'>, geometry: Geometry, valid?: Uint8Array): Tokens {
  const shape = values.shape as unknown as Tokens['shape'];
  const [, height, width, channels] = shape;
  return {
    values,
    shape,
    geometry,
    ...(valid && { valid }),
    reshape(sizes) {
      const known = elementCount(sizes.filter((size) => size !== -1));
      return reshape(
        values,
        sizes.map((size) => (size === -1 ? values.data.length / known : size)),
      );
    },
    frame: (step) => select(values, 0, step),
    place: (row, column) => select(select(values, 1, row), 1, column),
    aggregate(method) {
      const plan = regions[method]?.(shape);
      if (!plan) throw new RangeError(`${JSON.stringify(method)} is none of ${poolings.join(', ')}`);
      const { values: pooled } = poolTokens(
        values,
        valid,
        {
          count: elementCount(plan.shape),
          of: (token) => plan.of(Math.floor(token / (height * width)), token % (height * width)),
        },
        method === 'max' ? 'max' : 'mean',
      );
      return reshape(pooled, [...plan.shape, channels]);
    },
  };
}
