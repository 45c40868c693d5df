// Tokens seen from random directions: reducer/random-projection.

import { axisSize } from '@deepearth/core/specs';
import { defineReducer } from '@deepearth/core/stage';
import { z } from 'zod';
import { randomProjectionMethodOptions } from '../run/methods.ts';
import { reduceRun, type RunFitter } from '../run/reduce-run.ts';
import { colourOptions, describeFit, modelOptions, refuseInput, spoolOptions } from '../run/stage-options.ts';

const options = z.strictObject({
  ...randomProjectionMethodOptions.shape,
  ...colourOptions,
  ...modelOptions,
  ...spoolOptions,
});

/** Projects tokens on random directions; only the colour limits wait for the whole run. */
export const randomProjectionStage = defineReducer({
  type: 'random-projection',
  summary: 'Projects tokens on a few random directions: quick, and distances survive it roughly.',
  options,
  examples: [
    '- type: reducer/random-projection',
    '- type: reducer/random-projection\n  with: { components: 1, seed: 7 }',
  ],
  survey: async (options, signal) => (await import('../models/model-survey.ts')).surveyModel(options, signal),
  describe(input, { options, survey }) {
    const refusal = refuseInput(input, 'random-projection', options, survey);
    if (refusal) return refusal;
    const channels = axisSize(input!, 'channels');
    return describeFit(
      input!,
      options.components,
      options,
      channels === null ? null : channels * options.components * 8,
      { survey },
    );
  },
  process: (items, context) =>
    reduceRun(items, context, 'random-projection', (): RunFitter => ({
      async fit({ channels }) {
        const { randomProjection } = await import('./random-projection.ts');
        const { components, seed } = context.options;
        return { model: randomProjection({ channels, components, seed }) };
      },
    })),
});
