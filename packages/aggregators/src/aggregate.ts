// Aggregates the tokens of one clip by name: what the aggregator stages make, as a function.

import { InputError, reshape, tensor, type Tensor } from '@deepearth/core';
import { axesOf, pool, reader, spaceAndTime, type TokenValues } from './pooling.ts';

/** What the stages of the same names make of one clip, without options. */
const functions = {
  mean: (tokens) => single(pool(tokens, whole, 'mean')),
  max: (tokens) => single(pool(tokens, whole, 'max')),
  'first-token': firstOf,
  'spatial-mean': (tokens) => {
    const [time] = sizes(tokens, 'spatial-mean');
    return pool(tokens, { count: time, of: (step) => step! }, 'mean');
  },
  'temporal-mean': (tokens) => {
    const [, height, width, channels] = sizes(tokens, 'temporal-mean');
    const places = { count: height * width, of: (_: number, row: number, column: number) => row * width + column };
    return reshape(pool(tokens, places, 'mean'), [height, width, channels]);
  },
  quadrants: (tokens) => {
    const [, height, width] = sizes(tokens, 'quadrants');
    const quadrant = quadrantOf(height, width, tokens.id);
    return pool(tokens, { count: 4, of: (_, row, column) => quadrant(row!, column!) }, 'mean');
  },
} as const satisfies Record<Aggregation, (tokens: TokenValues) => Tensor<'float32'>>;

/** How tokens can be aggregated. */
export type Aggregation = 'mean' | 'max' | 'first-token' | 'spatial-mean' | 'temporal-mean' | 'quadrants';

/**
 * Names of the Python scripts for the same: those of their `aggregate_features` and the keys of their hierarchical
 * pool.
 */
const oldNames = {
  cls: 'first-token',
  spatial_mean: 'spatial-mean',
  global: 'mean',
  temporal: 'spatial-mean',
  spatial: 'temporal-mean',
} as const satisfies Record<OldAggregation, Aggregation>;

/** A name that the Python scripts had for an aggregation. */
export type OldAggregation = 'cls' | 'spatial_mean' | 'global' | 'temporal' | 'spatial';

/** All names that `aggregate` takes. */
export const aggregations = [...Object.keys(functions), ...Object.keys(oldNames)] as (Aggregation | OldAggregation)[];

/**
 * Aggregates the valid tokens of one clip, in float32: `mean` (also `global`), `max` and `first-token` (also `cls`) to
 * `[channels]`, from tokens of any axes; `spatial-mean` (also `spatial_mean`, `temporal`) to `[time, channels]`,
 * `temporal-mean` (also `spatial`) to `[height, width, channels]` and `quadrants` to `[4, channels]`, from a grid of
 * `[time, height, width, channels]`. A region without any valid token is NaN. Throws an `InputError` for tokens that
 * lack these axes, when no token is valid (of `first-token`: the first), and when a valid one is not finite; a
 * `RangeError` for another name.
 */
export function aggregate(tokens: TokenValues, by: Aggregation | OldAggregation = 'mean'): Tensor<'float32'> {
  const name = Object.hasOwn(oldNames, by) ? oldNames[by as OldAggregation] : (by as Aggregation);
  if (!Object.hasOwn(functions, name))
    throw new RangeError(`${JSON.stringify(by)} is none of ${aggregations.join(', ')}`);
  return functions[name](tokens);
}

const whole = { count: 1, of: () => 0 };

/** `[1, channels]` as `[channels]`. */
const single = (pooled: Tensor<'float32'>): Tensor<'float32'> => reshape(pooled, pooled.shape.slice(1));

/** Sizes of a grid `[time, height, width, channels]`; throws an `InputError` for tokens of other axes. */
export function sizes(tokens: TokenValues, name: string): [number, number, number, number] {
  const axes = axesOf(tokens);
  if (axes.join() !== [...spaceAndTime, 'channels'].join())
    throw new InputError(
      tokens.id ?? 'tokens',
      `aggregator/${name} needs tokens of [time, height, width, channels]; these have the axes [${axes.join(', ')}].`,
      { remedy: 'Reshape them to these four axes first.' },
    );
  return tokens.values.shape as unknown as [number, number, number, number];
}

/** Why a grid has no quarters, if so. */
export const noQuarters = (height: number, width: number): string | undefined =>
  height < 2 || width < 2 ? `a grid of ${height} x ${width} tokens has no quarters` : undefined;

/**
 * The quarter of a place: upper left, upper right, lower left, lower right; a middle row or column is of the later one.
 */
export function quadrantOf(height: number, width: number, id = 'tokens'): (row: number, column: number) => number {
  const problem = noQuarters(height, width);
  if (problem) throw new InputError(id, `${problem}.`);
  const [middle, centre] = [Math.floor(height / 2), Math.floor(width / 2)];
  return (row, column) => (row >= middle ? 2 : 0) + (column >= centre ? 1 : 0);
}

function firstOf(tokens: TokenValues): Tensor<'float32'> {
  if (tokens.valid?.[0] === 0)
    throw new InputError(tokens.id ?? 'tokens', 'its first token saw no data.', {
      code: 'E_NO_DATA',
      remedy: 'Use `aggregator/mean`, which leaves such tokens out.',
    });
  const value = reader(tokens);
  const channels = tokens.values.shape.at(-1)!;
  return tensor(
    'float32',
    [channels],
    Float32Array.from({ length: channels }, (_, c) => value(c)),
  );
}
