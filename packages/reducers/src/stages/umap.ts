// UMAP of the tokens of a whole run: reducer/umap.

import { axisSize } from '@deepearth/core/specs';
import { defineReducer, refuse } from '@deepearth/core/stage';
import { z } from 'zod';
import type { FittedReducer, Progress } from '../model.ts';
import { reduceRun, type RunFit, type RunFitter } from '../reduce-run.ts';
import { stratifiedSample } from '../sample.ts';
import type { Spool } from '../spool.ts';
import { colourOptions, describeFit, modelOptions, refuseInput, seedOption, spoolOptions, tokensPerGrid } from '../stage-options.ts';

const umapOptions = z.strictObject({
  components: z.number().int().min(1).max(64).default(3).describe('How many coordinates to place tokens in: 3 make a colour.'),
  neighbors: z.number().int().min(2).max(256).default(15).describe('How many nearest tokens (itself included) make the neighbourhood of a token: few show detail, many the whole.'),
  minDist: z.number().min(0).default(0.1).describe('How close tokens may lie together in the result.'),
  spread: z.number().positive().default(1).describe('The scale of the result; minDist is at most this.'),
  metric: z.enum(['cosine', 'euclidean', 'correlation', 'manhattan']).default('cosine').describe('What near means between tokens.'),
  epochs: z.number().int().min(1).optional().describe('Rounds of the layout; 200 unless told (umap-js: its own choice).'),
  init: z.enum(['pca', 'spectral', 'random']).default('pca').describe('Where the layout starts: principal components, which stay put between runs, the spectrum of the graph as umap-learn, or chance.'),
  setOpMixRatio: z.number().min(0).max(1).default(1).describe('1 joins neighbourhoods (fuzzy union), 0 takes what both agree on.'),
  localConnectivity: z.number().min(0).default(1).describe('How many nearest neighbours are taken as fully connected.'),
  repulsionStrength: z.number().min(0).default(1).describe('Weight of the pushes of tokens that are no neighbours.'),
  negativeSampleRate: z.number().int().min(0).default(5).describe('Pushes for each pull.'),
  ...seedOption,
  maxFitTokens: z.number().int().min(2).default(40_000).describe('Past this many tokens a stratified sample is fitted and the others are placed by it.'),
  sampleTokens: z.number().int().min(2).default(20_000).describe('How many tokens that sample holds.'),
  engine: z.enum(['native', 'umap-js']).default('native').describe('native is this project\'s own; umap-js is slower, kept for comparison, and cannot be saved.'),
  ...colourOptions,
  ...modelOptions,
  ...spoolOptions,
});

interface Running {
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

/** Reduces tokens so that neighbours stay neighbours, with one fit and one set of limits over the whole run. */
export const umapStage = defineReducer({
  type: 'umap',
  summary: 'Places tokens in a few coordinates so that those that are alike lie together.',
  options: umapOptions,
  examples: [
    '- type: reducer/umap',
    '- type: reducer/umap\n  with: { neighbors: 30, saveAs: colours.safetensors }',
    '- type: reducer/umap\n  with: { engine: umap-js, maxFitTokens: 2000, sampleTokens: 2000 }',
  ],
  describe(input, { options }) {
    const refusal = refuseInput(input, 'umap', options);
    if (refusal) return refusal;
    if (options.minDist > options.spread) return refuse(`minDist ${options.minDist} is more than spread ${options.spread}.`, { option: 'minDist', remedy: 'Lower minDist or raise spread.' });
    if (options.engine === 'umap-js' && options.saveAs !== undefined) return refuse('umap-js cannot save a fit.', { option: 'saveAs', remedy: 'Set engine: native.' });
    const channels = axisSize(input!, 'channels');
    const tokens = tokensPerGrid(input!);
    const total = tokens === null || input!.count === null ? null : tokens * input!.count;
    const fitted = total !== null && total <= options.maxFitTokens ? total : Math.min(options.sampleTokens, options.maxFitTokens);
    // The sample in float32 and in int8, candidate lists, the graph in both directions, two layouts.
    const memoryBytes = channels === null ? null : fitted * (channels * 5 + options.neighbors * 2 * 32 + options.components * 8) + 64e6;
    const sampled = total !== null && total > options.maxFitTokens ? [`Fits ${fitted} of ${total} tokens, a stratified sample, and places the others by it.`] : [];
    return describeFit(input!, options.components, options, memoryBytes, sampled);
  },
  process: (items, context) =>
    reduceRun(items, context, 'umap', (): RunFitter => {
      const { options, signal, log, progress } = context;
      return {
        async fit(spool) {
          const limit = spool.rows > options.maxFitTokens ? Math.min(options.sampleTokens, options.maxFitTokens) : spool.rows;
          const rows = stratifiedSample(spool.grids.map((grid) => grid.rows), limit, options.seed);
          if (limit < spool.rows) log.info(`reducer/umap: fitting ${limit} of ${spool.rows} tokens (maxFitTokens ${options.maxFitTokens}); the others are placed by them.`);
          const tokens = await gather(spool, rows, limit);
          const { embedding, model } = await fitUmap(tokens, { ...options, channels: spool.channels }, { signal, progress });
          return { model, known: knownRows(rows, embedding, options.components) };
        },
      };
    }),
});

/** Fits the chosen engine; the rows given are fitted, all of them. */
async function fitUmap(tokens: Float32Array, options: z.output<typeof umapOptions> & { readonly channels: number }, running: Running): Promise<{ embedding: Float32Array; model: FittedReducer }> {
  const { channels, components, neighbors, minDist, spread, metric, epochs, init, setOpMixRatio, localConnectivity, repulsionStrength, negativeSampleRate, seed } = options;
  const common = { channels, components, neighbors, minDist, spread, metric, epochs, setOpMixRatio, localConnectivity, repulsionStrength, negativeSampleRate, seed };
  if (options.engine === 'umap-js') return (await import('../umap-js.ts')).umapJs(tokens, common, running);
  const rows = tokens.length / channels;
  return (await import('../umap.ts')).umap(tokens, { ...common, epochs: epochs ?? 200, init, maxFitTokens: Math.max(2, rows), ...running });
}

/** The sampled rows of all grids, one after the other: `[limit, channels]`. */
async function gather(spool: Spool, rows: readonly Uint32Array[], limit: number): Promise<Float32Array> {
  const { channels } = spool;
  const tokens = new Float32Array(limit * channels);
  let at = 0;
  for (const [index, chosen] of rows.entries()) {
    if (chosen.length === 0) continue;
    const grid = await spool.read(index);
    for (const row of chosen) {
      tokens.set(grid.rows.subarray(row * channels, (row + 1) * channels), at);
      at += channels;
    }
  }
  return tokens;
}

/** Where the fit itself placed the sampled rows, grid by grid. */
function knownRows(rows: readonly Uint32Array[], embedding: Float32Array, components: number): NonNullable<RunFit['known']> {
  const starts: number[] = [];
  let at = 0;
  for (const chosen of rows) {
    starts.push(at);
    at += chosen.length * components;
  }
  return (index) => ({ rows: rows[index]!, values: embedding.subarray(starts[index]!, starts[index]! + rows[index]!.length * components) });
}
