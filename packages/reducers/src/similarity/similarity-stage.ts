// How like one token, or its own neighbours in time, every token is: reducer/similarity.

import { InputError } from '@deepearth/core/errors';
import { defineReducer } from '@deepearth/core/stage';
import { z } from 'zod';
import { runSliced, type Sliced } from '../shared/pace.ts';
import { reduceRun, type RunFit, type RunFitter } from '../run/reduce-run.ts';
import type { Spool } from '../tokens/spool.ts';
import { colourOptions, describeFit, refuseInput, spoolOptions } from '../run/stage-options.ts';
import { cosine } from '../shared/unit-rows.ts';

const { lightness: _lightness, ...scalingOptions } = colourOptions;
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
      }),
    ])
    .default({ clip: 0, time: 0, row: 0, column: 0 })
    .describe(
      'A token that all others are compared with, or time: each token with those before and after it at the same place.',
    ),
  ...scalingOptions,
  ...spoolOptions,
});

type To = z.output<typeof options>['to'];

/**
 * Returns one number per token: the cosine (-1 to 1) to the picked token, or the mean cosine to its neighbours in time
 * (1 where there are none).
 */
export const similarityStage = defineReducer({
  type: 'similarity',
  summary: 'Compares every token with a picked one, or with its neighbours in time.',
  options,
  examples: [
    '- type: reducer/similarity\n  with: { to: { clip: 0, time: 4, row: 12, column: 12 } }',
    '- type: reducer/similarity\n  with: { to: time }',
  ],
  describe(input, { options }) {
    const refusal = refuseInput(input, 'similarity', options);
    if (refusal) return refusal;
    const { to } = options;
    if (to !== 'time') {
      if (input!.count !== null && input!.count > 0 && to.clip >= input!.count)
        return {
          refused: `clip ${to.clip} was picked, and only ${input!.count} will come.`,
          option: 'to',
          remedy: `Pick one from 0 to ${input!.count - 1}.`,
        };
      for (const [name, picked] of [
        ['time', to.time],
        ['height', to.row],
        ['width', to.column],
      ] as const) {
        const size = input!.axes.find((axis) => axis.name === name)?.size ?? null;
        if (size !== null && picked >= size)
          return {
            refused: `a token at ${name} ${picked} was picked, and grids have ${size}.`,
            option: 'to',
            remedy: `Pick one from 0 to ${size - 1}.`,
          };
      }
    }
    return describeFit(input!, 1, options, 0);
  },
  process: (items, context) =>
    reduceRun(items, context, context.options.to === 'time' ? 'similarity-in-time' : 'similarity', (): RunFitter => ({
      fit: async (spool) =>
        context.options.to === 'time'
          ? overTime(spool, context.signal)
          : toToken(spool, await pickedToken(spool, context.options.to), context.signal),
    })),
});

async function pickedToken(spool: Spool, { clip, time, row, column }: Exclude<To, 'time'>): Promise<Float32Array> {
  const grid = spool.grids[clip];
  const named = `clip ${clip}, time ${time}, row ${row}, column ${column}`;
  if (!grid)
    throw new InputError('similarity', `the token at ${named} was picked, and ${spool.grids.length} clips came.`);
  const [times = 1, rows = 1, columns = 1] = grid.shape;
  if (time >= times || row >= rows || column >= columns)
    throw new InputError(
      grid.item.id,
      `the token at ${named} was picked, and this grid has times ${times}, rows ${rows}, columns ${columns}.`,
    );
  const token = (time * rows + row) * columns + column;
  const { rows: values, valid } = await spool.read(clip);
  if (valid && !valid[token])
    throw new InputError(grid.item.id, `the token at ${named} was picked, and it saw no data.`, {
      remedy: 'Pick another.',
    });
  const index = valid ? valid.subarray(0, token).reduce((sum, one) => sum + one, 0) : token;
  return values.slice(index * spool.channels, (index + 1) * spool.channels);
}

function toToken({ channels }: Spool, picked: Float32Array, signal: AbortSignal): RunFit {
  const compare = function* (rows: Float32Array): Sliced<Float32Array> {
    const out = new Float32Array(rows.length / channels);
    for (let row = 0; row < out.length; row++) {
      out[row] = cosine(rows.subarray(row * channels, (row + 1) * channels), picked);
      if (row % 256 === 255) yield;
    }
    return out;
  };
  return { model: { components: 1, meaning: 'scalar', transform: (rows) => runSliced(compare(rows), signal) } };
}

function overTime(spool: Spool, signal: AbortSignal): RunFit {
  const { channels } = spool;
  const compare = function* (rows: Float32Array, rowOf: Int32Array, perStep: number): Sliced<Float32Array> {
    const out = new Float32Array(rows.length / channels);
    const at = (token: number): Float32Array | undefined => {
      const row = rowOf[token] ?? -1;
      return row < 0 ? undefined : rows.subarray(row * channels, (row + 1) * channels);
    };
    for (let token = 0; token < rowOf.length; token++) {
      const own = at(token);
      if (!own) continue;
      const others = [at(token - perStep), at(token + perStep)].filter((other) => other !== undefined);
      out[rowOf[token]!] = others.length
        ? others.reduce((sum, other) => sum + cosine(own, other), 0) / others.length
        : 1;
      if (token % 128 === 127) yield;
    }
    return out;
  };
  return {
    model: { components: 1, meaning: 'scalar', transform: async (rows) => rows },
    async place(index) {
      const { shape, tokens } = spool.grids[index]!;
      const { rows, valid } = await spool.read(index);
      let next = 0;
      const rowOf = Int32Array.from({ length: tokens }, (_, token) => (valid && !valid[token] ? -1 : next++));
      return runSliced(compare(rows, rowOf, tokens / shape[0]!), signal);
    },
  };
}
