// Writes one transformer layer of the built-in checkpoint: attention that averages a neighbourhood, and an MLP of
// hand-made units.

import { tensor, type Tensor } from '@deepearth/core/tensor';

export type Tensors = Map<string, Tensor<'float32'>>;

/** Weights by channel of the residual stream. */
export type Form = readonly (readonly [channel: number, weight: number])[];

/** How far a head looks, per axis: the two strengths of `neighbourhood`. */
export interface Reach {
  readonly near: number;
  readonly far: number;
}

export interface Head {
  readonly time: Reach;
  readonly space: Reach;
  /** At most 64 values: the head averages each form over the neighbourhood and adds the result to a channel. */
  readonly averages: readonly { readonly of: Form; readonly to: number; readonly unit: number }[];
}

/** One hidden unit, `gelu(form · x + bias)`, and what it adds to which channels. */
export interface Unit {
  readonly of: Form;
  readonly bias?: number;
  readonly to: Form;
}

export interface Layer {
  readonly heads: readonly Head[];
  readonly units: readonly Unit[];
  /** Added to channels whatever comes in. */
  readonly shift?: Form;
}

/** Rows that the two norms of a layer multiply with; the same numbers for both. */
export interface Sizes {
  readonly hidden: number;
  readonly headSize: number;
  readonly mlp: number;
}

const axisWidth = (headSize: number): number => 2 * Math.floor(Math.floor(headSize / 3) / 2);

/**
 * A constant query and key whose product, after the rotary embedding, depends on the distance alone and falls off like
 * a bump. Per axis the embedding turns element `j` by `position * 10000^(-(j mod half) / half)`. The pair (2i, 2i+1)
 * holding `(c, 0)` and the pair half a width further, which has the same two frequencies, holding `(0, c)` together
 * give `c² (cos(f d) + cos(g d))` at distance `d`: the sines and cosines that V-JEPA 2's tiled tables mix up meet their
 * counterparts. `near` weighs the fastest two frequencies (1 and 0.4 per token), which make the bump steep; `far` the
 * next two (0.16 and 0.06), which keep it from coming back.
 */
export function neighbourhood({ time, space }: Pick<Head, 'time' | 'space'>, headSize: number): Float32Array {
  const out = new Float32Array(headSize);
  const width = axisWidth(headSize);
  [time, space, space].forEach((reach, axis) =>
    [reach.near, reach.far].forEach((strength, pair) => {
      // Scores are divided by sqrt(head size) in attention.
      const c = Math.sqrt(strength * Math.sqrt(headSize));
      out[axis * width + 2 * pair] = c;
      out[axis * width + width / 2 + 2 * pair + 1] = c;
    }),
  );
  return out;
}

/** Adds a layer's tensors under their published names. `norm` has one factor per channel. */
export function writeLayer(
  tensors: Tensors,
  index: number,
  layer: Layer,
  norm: Float32Array,
  { hidden, headSize, mlp }: Sizes,
): void {
  const name = (rest: string) => `encoder.layer.${index}.${rest}`;
  const put = (rest: string, shape: number[], data: Float32Array) =>
    tensors.set(name(rest), tensor('float32', shape, data));
  if (layer.units.length > mlp || layer.heads.length * headSize !== hidden)
    throw new RangeError(`layer ${index} has ${layer.heads.length} heads and ${layer.units.length} units`);
  for (const which of ['norm1', 'norm2']) {
    put(`${which}.weight`, [hidden], norm);
    put(`${which}.bias`, [hidden], new Float32Array(hidden));
  }
  const constant = new Float32Array(hidden);
  const value = new Float32Array(hidden * hidden);
  const proj = new Float32Array(hidden * hidden);
  layer.heads.forEach((head, h) => {
    if (head.averages.length > headSize)
      throw new RangeError(`head ${h} of layer ${index} has ${head.averages.length} averages`);
    constant.set(neighbourhood(head, headSize), h * headSize);
    head.averages.forEach(({ of, to, unit }, slot) => {
      const row = h * headSize + slot;
      for (const [channel, weight] of of) value[row * hidden + channel]! += weight;
      proj[to * hidden + row]! += unit;
    });
  });
  const first = new Float32Array(mlp * hidden);
  const second = new Float32Array(hidden * mlp);
  const bias = new Float32Array(mlp);
  const shift = new Float32Array(hidden);
  layer.units.forEach(({ of, bias: at = 0, to }, row) => {
    for (const [channel, weight] of of) first[row * hidden + channel]! += weight;
    bias[row] = at;
    for (const [channel, weight] of to) second[channel * mlp + row]! += weight;
  });
  for (const [channel, by] of layer.shift ?? []) shift[channel]! += by;
  const zero = () => new Float32Array(hidden);
  put('attention.query.weight', [hidden, hidden], new Float32Array(hidden * hidden));
  put('attention.query.bias', [hidden], constant);
  put('attention.key.weight', [hidden, hidden], new Float32Array(hidden * hidden));
  put('attention.key.bias', [hidden], constant.slice());
  put('attention.value.weight', [hidden, hidden], value);
  put('attention.value.bias', [hidden], zero());
  put('attention.proj.weight', [hidden, hidden], proj);
  put('attention.proj.bias', [hidden], zero());
  put('mlp.fc1.weight', [mlp, hidden], first);
  put('mlp.fc1.bias', [mlp], bias);
  put('mlp.fc2.weight', [hidden, mlp], second);
  put('mlp.fc2.bias', [hidden], shift);
}

/** Two units whose sum is close to `|form|` (they are `2x erf(√2 x) / 2` together): how strong, whichever its sign. */
export const magnitude = (of: Form, to: Form): Unit[] =>
  [2, -2].map((sign) => ({
    of: of.map(([channel, weight]) => [channel, weight * sign] as const),
    to: to.map(([channel, weight]) => [channel, weight / 2] as const),
  }));
