// Groups of tokens that are alike, over a whole run: reducer/kmeans.

import { axisSize } from '@deepearth/core/specs';
import { defineReducer } from '@deepearth/core/stage';
import { z } from 'zod';
import { kmeansMethodOptions } from '../run/methods.ts';
import { gather } from '../tokens/gather.ts';
import { reduceRun, type RunFitter } from '../run/reduce-run.ts';
import { describeFit, modelOptions, refuseInput, spoolOptions, tokensPerGrid } from '../run/stage-options.ts';

const options = z.strictObject({
  ...kmeansMethodOptions.shape,
  ...modelOptions,
  ...spoolOptions,
});

/** Labels never need scaling. */
const unscaled = { scaling: 'min-max', lowPercentile: 0, highPercentile: 100 } as const;

/** Returns the number of the group of every token, the largest group first. */
export const kmeansStage = defineReducer({
  type: 'kmeans',
  summary: 'Sorts tokens into groups of alike ones and returns the number of the group.',
  options,
  examples: ['- type: reducer/kmeans', '- type: reducer/kmeans\n  with: { clusters: 12, metric: euclidean }'],
  survey: async (options, signal) => (await import('../models/model-survey.ts')).surveyModel(options, signal),
  describe(input, { options, survey }) {
    const refusal = refuseInput(input, 'kmeans', options, survey);
    if (refusal) return refusal;
    const channels = axisSize(input!, 'channels');
    const tokens = tokensPerGrid(input!);
    const fitted =
      tokens === null || input!.count === null
        ? options.maxFitTokens
        : Math.min(options.maxFitTokens, tokens * input!.count);
    return describeFit(
      input!,
      1,
      options,
      channels === null ? null : fitted * channels * 8 + options.clusters * channels * 24,
      { survey },
    );
  },
  process: (items, context) =>
    reduceRun(items, { ...context, options: { ...context.options, ...unscaled } }, 'kmeans', (): RunFitter => {
      const { signal, progress, options } = context;
      return {
        async fit(spool) {
          const { kmeans } = await import('./kmeans.ts');
          const { clusters, metric, iterations, batchSize, seed } = options;
          const { tokens } = await gather(spool, options.maxFitTokens, seed);
          const model = await kmeans(tokens, {
            channels: spool.channels,
            clusters,
            metric,
            iterations,
            batchSize,
            seed,
            signal,
            progress,
          });
          return { model, limits: [[0, clusters - 1]] };
        },
      };
    }),
});
