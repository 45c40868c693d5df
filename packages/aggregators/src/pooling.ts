// Pools the tokens of a grid into regions; every aggregator is one choice of regions.

import { halfTable, InputError, type Tensor } from '@deepearth/core';
import { poolTokens, type Pooling } from '@deepearth/core/pooling';

/** Tokens and what is known of them; a `TokenGrid` is one, and so is what the extractors return. */
export interface TokenValues {
  /**
   * `[time, height, width, channels]`, or `[token, channels]` as the Python scripts had them; other axes where `axes`
   * names them.
   */
  readonly values: Tensor<'float32' | 'float16'>;
  /** One number per token, 0 where it saw no data. */
  readonly valid?: Uint8Array;
  /** Names of the axes, the last of which is `channels`. Default: as above, by their number. */
  readonly axes?: readonly string[];
  /** What errors call it; `tokens` by default. */
  readonly id?: string;
}

/** Axes that a region of a picture, or a step of time, needs. */
export const spaceAndTime = ['time', 'height', 'width'] as const;

const usualAxes: readonly (readonly string[])[] = [
  [...spaceAndTime, 'channels'],
  ['token', 'channels'],
];

/** Names of the axes; numbers where they have none. */
export const axesOf = ({ axes, values: { shape } }: TokenValues): readonly string[] =>
  axes ??
  usualAxes.find(({ length }) => length === shape.length) ?? [...shape.slice(1).map((_, i) => `axis ${i}`), 'channels'];

/** Which region a token belongs to, and how many there are. */
export interface Regions {
  readonly count: number;
  /** Of a token by its place along the axes of the grid but the last, `[time, row, column]` of a grid of pictures. */
  of(...place: readonly number[]): number;
}

/** Values of float32 or float16 tokens by index. */
export function reader({ values }: TokenValues): (index: number) => number {
  if (values.dtype === 'float32') return (index) => values.data[index]!;
  const table = halfTable();
  return (index) => table[values.data[index]!]!;
}

/**
 * Pools a grid of any axes, the last of which is the channels, to `[regions, channels]`. Tokens that `valid` marks with
 * 0 do not count; a region without any valid token is NaN throughout. Throws an `InputError` when no token at all is
 * valid, and when a valid one is NaN or infinite.
 */
export function pool(tokens: TokenValues, regions: Regions, pooling: Pooling): Tensor<'float32'> {
  const { id = 'tokens', values, valid } = tokens;
  const axes = axesOf(tokens);
  const sizes = values.shape.slice(0, -1);
  const place = (token: number): number[] => {
    const at = new Array<number>(sizes.length);
    for (let axis = sizes.length - 1, rest = token; axis >= 0; axis--) {
      at[axis] = rest % sizes[axis]!;
      rest = Math.floor(rest / sizes[axis]!);
    }
    return at;
  };
  const of = regions.count === 1 ? () => 0 : (token: number) => regions.of(...place(token));
  const pooled = poolTokens(values, valid, { count: regions.count, of }, pooling);
  if (pooled.notFinite !== undefined) {
    const words: Record<string, string> = { height: 'row', width: 'column' };
    const where = place(pooled.notFinite).map((at, axis) => `${words[axes[axis]!] ?? axes[axis]} ${at}`);
    throw new InputError(id, `the token at ${where.join(', ')} holds NaN or infinity.`, {
      code: 'E_NOT_FINITE',
      remedy: 'Look at what the encoder was given for it; with half precision, try float32.',
    });
  }
  if (pooled.counts.every((n) => n === 0))
    throw new InputError(id, 'none of its tokens saw any data, so there is nothing to aggregate.', {
      code: 'E_NO_DATA',
      remedy: 'With `onError: skip` the clip is left out.',
    });
  return pooled.values;
}
