// Tokens as they are, or their first numbers: reducer/none.

import { reducerStage } from '../run/reducer-stage.ts';
import { noneReduction } from './none-reduction.ts';

/** Passes the first channels of every token on, with colour limits over the whole run. */
export const noneStage = reducerStage(noneReduction, {
  summary: 'Passes the first channels of every token on as they are.',
  examples: ['- type: reducer/none', '- type: reducer/none\n  with: { components: all }'],
  saved: false,
});
