// UMAP of the tokens of a whole run: reducer/umap.

import { axisSize } from '@deepearth/core/specs';
import { defineReducer, refuse } from '@deepearth/core/stage';
import { z } from 'zod';
import { gather, sampledRows } from '../tokens/gather.ts';
import { umapMethodOptions } from '../run/methods.ts';
import type { FittedReducer, Progress } from '../models/model.ts';
import { reduceRun, type RunFit, type RunFitter } from '../run/reduce-run.ts';
import type { Spool } from '../tokens/spool.ts';
import {
  colourOptions,
  describeFit,
  modelOptions,
  refuseInput,
  spoolOptions,
  tokensPerGrid,
} from '../run/stage-options.ts';
import { estimateUmap } from './umap.ts';

const umapOptions = z.strictObject({
  ...umapMethodOptions.shape,
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
  survey: async (options, signal) => (await import('../models/model-survey.ts')).surveyModel(options, signal),
  describe(input, { options, survey }) {
    const refusal = refuseInput(input, 'umap', options, survey);
    if (refusal) return refusal;
    if (options.minDist > options.spread)
      return refuse(`minDist ${options.minDist} is more than spread ${options.spread}.`, {
        option: 'minDist',
        remedy: 'Lower minDist or raise spread.',
      });
    if (options.engine === 'umap-js' && options.saveAs !== undefined)
      return refuse('umap-js cannot save a fit.', { option: 'saveAs', remedy: 'Set engine: native.' });
    const channels = axisSize(input!, 'channels');
    const tokens = tokensPerGrid(input!);
    const total = tokens === null || input!.count === null ? null : tokens * input!.count;
    const fitted =
      total !== null && total <= options.maxFitTokens ? total : Math.min(options.sampleTokens, options.maxFitTokens);
    const { components, neighbors, maxFitTokens, sampleTokens } = options;
    const memoryBytes =
      channels === null
        ? null
        : estimateUmap({
            channels,
            components,
            neighbors,
            maxFitTokens,
            sampleTokens,
            count: Math.max(1, total ?? maxFitTokens),
          }).bytes;
    const sampled =
      total !== null && total > options.maxFitTokens
        ? [`Fits ${fitted} of ${total} tokens, a stratified sample, and places the others by it.`]
        : [];
    return describeFit(input!, options.components, options, memoryBytes, { notes: sampled, survey });
  },
  process: (items, context) =>
    reduceRun(items, context, 'umap', (): RunFitter => {
      const { options, signal, log, progress } = context;
      const limitOf = (spool: Spool): number =>
        spool.rows > options.maxFitTokens ? Math.min(options.sampleTokens, options.maxFitTokens) : spool.rows;
      return {
        async fit(spool) {
          const limit = limitOf(spool);
          if (limit < spool.rows)
            log.info(
              `reducer/umap: fitting ${limit} of ${spool.rows} tokens (maxFitTokens ${options.maxFitTokens}); the others are placed by them.`,
            );
          const { tokens, rows } = await gather(spool, limit, options.seed);
          const { embedding, model } = await fitUmap(
            tokens,
            { ...options, channels: spool.channels },
            { signal, progress },
          );
          return { model, known: knownRows(rows, embedding, options.components) };
        },
        resume: (spool, model) => ({
          model,
          known: knownRows(
            sampledRows(spool, limitOf(spool), options.seed),
            model.state().tensors['embedding']!.data as Float32Array,
            options.components,
          ),
        }),
      };
    }),
});

/** Fits the chosen engine; the rows given are fitted, all of them. */
async function fitUmap(
  tokens: Float32Array,
  options: z.output<typeof umapOptions> & { readonly channels: number },
  running: Running,
): Promise<{ embedding: Float32Array; model: FittedReducer }> {
  const {
    channels,
    components,
    neighbors,
    minDist,
    spread,
    metric,
    epochs,
    init,
    setOpMixRatio,
    localConnectivity,
    repulsionStrength,
    negativeSampleRate,
    seed,
  } = options;
  const common = {
    channels,
    components,
    neighbors,
    minDist,
    spread,
    metric,
    epochs,
    setOpMixRatio,
    localConnectivity,
    repulsionStrength,
    negativeSampleRate,
    seed,
  };
  if (options.engine === 'umap-js') return (await import('./umap-js.ts')).umapJs(tokens, common, running);
  const rows = tokens.length / channels;
  return (await import('./umap.ts')).umap(tokens, {
    ...common,
    epochs: epochs ?? 200,
    init,
    maxFitTokens: Math.max(2, rows),
    ...running,
  });
}

/** Where the fit itself placed the sampled rows, grid by grid. */
function knownRows(
  rows: readonly Uint32Array[],
  embedding: Float32Array,
  components: number,
): NonNullable<RunFit['known']> {
  const starts: number[] = [];
  let at = 0;
  for (const chosen of rows) {
    starts.push(at);
    at += chosen.length * components;
  }
  return (index) => ({
    rows: rows[index]!,
    values: embedding.subarray(starts[index]!, starts[index]! + rows[index]!.length * components),
  });
}
