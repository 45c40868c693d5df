// How like one token, or its own neighbours in time, every token is, as a reduction.

import { InputError } from '@deepearth/core/errors';
import { tensor } from '@deepearth/core/tensor';
import { z } from 'zod';
import type { GridRows, SeenGrid } from '../tokens/grid-rows.ts';
import type { Fitted, Packed, Reduction } from '../run/reduction.ts';
import { runSliced, type Sliced } from '../shared/pace.ts';
import { cosine } from '../shared/unit-rows.ts';

const place = (what: string) => z.number().int().min(0).default(0).describe(`${what}, from 0.`);

const options = z.strictObject({
  to: z
    .union([
      z.literal('time'),
      z.strictObject({
        clip: place('Which clip of the stream'),
        time: place('Which step of time'),
        row: place('Which row of tokens'),
        column: place('Which column of tokens'),
        at: z
          .record(z.string(), z.number().int().min(0))
          .optional()
          .describe('Its place along axes of other names, from 0: { token: 5 }.'),
      }),
    ])
    .default({ clip: 0, time: 0, row: 0, column: 0 })
    .describe(
      'A token that all others are compared with, or time: each token with those before and after it at the same place.',
    ),
});
export type SimilarityOptions = z.output<typeof options>;
type Picked = Exclude<SimilarityOptions['to'], 'time'>;

/** Words for the axes of pictures. */
const words: Readonly<Record<string, 'time' | 'row' | 'column'>> = { time: 'time', height: 'row', width: 'column' };

/** Where the picked token lies along an axis. */
export const positionAlong = (axis: string, to: Picked): number => to.at?.[axis] ?? (words[axis] ? to[words[axis]] : 0);

/** The row of the picked token among the valid ones of its grid. */
function pickedRow(to: Picked, { valid }: GridRows, { id, shape, axes }: SeenGrid): number {
  const named = `clip ${to.clip}, ${axes.map((axis) => `${words[axis] ?? axis} ${positionAlong(axis, to)}`).join(', ')}`;
  let token = 0;
  for (const [index, axis] of axes.entries()) {
    const at = positionAlong(axis, to);
    if (at >= shape[index]!)
      throw new InputError(
        id,
        `the token at ${named} was picked, and this grid has ${axes.map((name, k) => `${words[name] ?? name}s ${shape[k]}`).join(', ')}.`,
      );
    token = token * shape[index]! + at;
  }
  if (valid && !valid[token])
    throw new InputError(id, `the token at ${named} was picked, and it saw no data.`, { remedy: 'Pick another.' });
  return valid ? valid.subarray(0, token).reduce((sum, one) => sum + (one ? 1 : 0), 0) : token;
}

/** The picked token, once it has come; nothing for `to: time`. */
interface SimilarityContent {
  readonly picked: Float32Array | undefined;
}

export const similarityReduction: Reduction<SimilarityOptions, SimilarityContent> = {
  name: 'similarity',
  options,
  components: () => 1,
  estimate: () => 0,
  settings: ({ to }) => ({ to: JSON.stringify(to) }),
  partial(_beginning, { to }) {
    let found: { readonly grid: number; readonly row: number } | undefined;
    let grids = 0;
    return {
      async see(tokens, grid) {
        grids = grid.index + 1;
        if (to !== 'time' && grid.index === to.clip) found = { grid: grid.index, row: pickedRow(to, tokens, grid) };
      },
      async finish(stored) {
        if (to === 'time') return { picked: undefined };
        if (!found)
          throw new InputError('similarity', `a token of clip ${to.clip} was picked, and ${grids} clips came.`);
        for await (const rows of stored.pick(found.grid, Uint32Array.of(found.row))) return { picked: rows.slice() };
        return { picked: undefined };
      },
      close: async () => undefined,
    };
  },
  merge: async (parts) => ({
    picked: parts.map(({ content }) => content.picked).find((picked) => picked !== undefined),
  }),
  fit: async ({ channels, content: { picked } }) => (picked ? toToken(channels, picked) : overTime(channels)),
  pack: async ({ picked }): Promise<Packed> => ({
    tensors: picked ? { picked: tensor('float32', [picked.length], picked as Float32Array<ArrayBuffer>) } : {},
    metadata: {},
  }),
  unpack: ({ tensors }) => ({ picked: tensors['picked']?.data as Float32Array | undefined }),
};

function toToken(channels: number, picked: Float32Array): Fitted {
  const compare = function* (rows: Float32Array): Sliced<Float32Array> {
    const out = new Float32Array(rows.length / channels);
    for (let row = 0; row < out.length; row++) {
      out[row] = cosine(rows.subarray(row * channels, (row + 1) * channels), picked);
      if (row % 256 === 255) yield;
    }
    return out;
  };
  return {
    channels,
    components: 1,
    meaning: 'scalar',
    transform: (rows, signal) => runSliced(compare(rows), signal),
  };
}

function overTime(channels: number): Fitted {
  const compare = function* (rows: Float32Array, rowOf: Int32Array, steps: Steps): Sliced<Float32Array> {
    const out = new Float32Array(rows.length / channels);
    const at = (token: number): Float32Array | undefined => {
      const row = rowOf[token]!;
      return row < 0 ? undefined : rows.subarray(row * channels, (row + 1) * channels);
    };
    for (let token = 0; token < rowOf.length; token++) {
      const own = at(token);
      if (!own) continue;
      const step = Math.floor(token / steps.stride) % steps.count;
      const others = [
        ...(step > 0 ? [at(token - steps.stride)] : []),
        ...(step < steps.count - 1 ? [at(token + steps.stride)] : []),
      ].filter((other) => other !== undefined);
      out[rowOf[token]!] = others.length
        ? others.reduce((sum, other) => sum + cosine(own, other), 0) / others.length
        : 1;
      if (token % 128 === 127) yield;
    }
    return out;
  };
  return {
    channels,
    components: 1,
    meaning: 'scalar',
    transform: () => Promise.reject(new Error('similarity over time takes whole grids')),
    async transformGrid({ rows, valid }, { id, shape, axes }, signal) {
      const steps = stepsOf(shape, axes, id);
      let next = 0;
      const tokens = shape.reduce((product, size) => product * size, 1);
      const rowOf = Int32Array.from({ length: tokens }, (_, token) => (valid && !valid[token] ? -1 : next++));
      return runSliced(compare(rows, rowOf, steps), signal);
    },
  };
}

/** Steps of time, and tokens from one step to the next. */
interface Steps {
  readonly count: number;
  readonly stride: number;
}

function stepsOf(shape: readonly number[], axes: readonly string[], id: string): Steps {
  const axis = axes.indexOf('time');
  if (axis < 0)
    throw new InputError(id, `has no axis "time", only ${axes.join(', ')}.`, {
      remedy: 'Pick a token to compare with.',
    });
  return { count: shape[axis]!, stride: shape.slice(axis + 1).reduce((product, size) => product * size, 1) };
}
