// UMAP of the tokens of a whole run: reducer/umap.

import { refuse } from '@deepearth/core/stage';
import { reducerStage } from '../run/reducer-stage.ts';
import { tokensOf } from '../run/stage-options.ts';
import { sampledCount } from '../tokens/sample.ts';
import { umapLimits, umapReduction } from './umap-reduction.ts';

/** Reduces tokens so that neighbours stay neighbours, with one fit and one set of limits over the whole run. */
export const umapStage = reducerStage(umapReduction, {
  summary: 'Places tokens in a few coordinates so that similar tokens lie together.',
  examples: [
    '- type: reducer/umap',
    '- type: reducer/umap\n  with: { neighbors: 30, saveAs: colours.safetensors }',
    '- type: reducer/umap\n  with: { engine: umap-js, maxFitTokens: 2000, sampleTokens: 2000 }',
  ],
  refuse(_input, { minDist, spread, engine, saveAs }) {
    if (minDist > spread)
      return refuse(`minDist ${minDist} is more than spread ${spread}.`, {
        option: 'minDist',
        remedy: 'Lower minDist or raise spread.',
      });
    if (engine === 'umap-js' && saveAs !== undefined)
      return refuse('umap-js cannot save a fit.', { option: 'saveAs', remedy: 'Set engine: native.' });
    return undefined;
  },
  notes(input, options) {
    const total = tokensOf(input);
    return total !== null && total > options.maxFitTokens
      ? [
          `Fits ${sampledCount(total, umapLimits(options))} of ${total} tokens, a sample spread evenly over them, and places the others by it.`,
        ]
      : [];
  },
});
