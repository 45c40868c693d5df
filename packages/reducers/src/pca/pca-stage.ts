// Principal components of the tokens of a whole run: reducer/pca.

import { axisSize } from '@deepearth/core/specs';
import { defineReducer } from '@deepearth/core/stage';
import { z } from 'zod';
import { blockRows } from './moments.ts';
import type { PcaFit } from './pca.ts';
import { pcaMethodOptions } from '../run/methods.ts';
import { reduceRun, type RunFitter } from '../run/reduce-run.ts';
import { colourOptions, describeFit, modelOptions, refuseInput, spoolOptions } from '../run/stage-options.ts';

const options = z.strictObject({
  ...pcaMethodOptions.shape,
  ...colourOptions,
  ...modelOptions,
  ...spoolOptions,
});

/** Reduces tokens to their principal components, with one fit and one set of limits over the whole run. */
export const pcaStage = defineReducer({
  type: 'pca',
  summary: 'Reduces tokens to the directions in which those of the whole run vary most.',
  options,
  examples: [
    '- type: reducer/pca',
    '- type: reducer/pca\n  with: { components: 1, scaling: min-max }',
    '- type: reducer/pca\n  with: { saveAs: colours.safetensors }',
  ],
  survey: async (options, signal) => (await import('../models/model-survey.ts')).surveyModel(options, signal),
  describe(input, { options, survey }) {
    const refusal = refuseInput(input, 'pca', options, survey);
    if (refusal) return refusal;
    const channels = axisSize(input!, 'channels');
    // Covariance in float64, a second matrix while panels are added, the Krylov basis, and two blocks of tokens.
    const memoryBytes =
      channels === null ? null : channels * channels * 16 + channels * 128 * 8 + 2 * blockRows(channels) * channels * 4;
    return describeFit(input!, options.components, options, memoryBytes, { survey });
  },
  process: (items, context) =>
    reduceRun(items, context, 'pca', (): RunFitter => {
      const { components, whiten, engine } = context.options;
      let fit: PcaFit | undefined;
      return {
        async see(rows, channels) {
          const { pcaFit } = await import('./pca.ts');
          fit ??= pcaFit({ channels, components, whiten, engine, signal: context.signal });
          await fit.add(rows);
        },
        fit: async () => ({ model: await fit!.finish() }),
        close: async () => fit?.close(),
      };
    }),
});
