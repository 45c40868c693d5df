// Principal components of the tokens of a whole run: reducer/pca.

import { reducerStage } from '../run/reducer-stage.ts';
import { pcaReduction } from './pca-reduction.ts';

/** Reduces tokens to their principal components, with one fit and one set of limits over the whole run. */
export const pcaStage = reducerStage(pcaReduction, {
  summary: 'Reduces tokens to the directions in which those of the whole run vary most.',
  examples: [
    '- type: reducer/pca',
    '- type: reducer/pca\n  with: { components: 1, scaling: min-max }',
    '- type: reducer/pca\n  with: { saveAs: colours.safetensors }',
  ],
});
