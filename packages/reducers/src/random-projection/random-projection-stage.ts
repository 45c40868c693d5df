// Tokens seen from random directions: reducer/random-projection.

import { reducerStage } from '../run/reducer-stage.ts';
import { randomProjectionReduction } from './random-projection-reduction.ts';

/** Projects tokens on random directions; only the colour limits wait for the whole run. */
export const randomProjectionStage = reducerStage(randomProjectionReduction, {
  summary: 'Projects tokens on a few random directions: quick, and distances survive it roughly.',
  examples: [
    '- type: reducer/random-projection',
    '- type: reducer/random-projection\n  with: { components: 1, seed: 7 }',
  ],
});
