// Groups of tokens that are alike, over a whole run: reducer/kmeans.

import { reducerStage } from '../run/reducer-stage.ts';
import { kmeansReduction } from './kmeans-reduction.ts';

/** Returns the number of the group of every token, the largest group first; labels need no scaling. */
export const kmeansStage = reducerStage(kmeansReduction, {
  summary: 'Groups similar tokens and returns the number of each token’s group.',
  examples: ['- type: reducer/kmeans', '- type: reducer/kmeans\n  with: { clusters: 12, metric: euclidean }'],
  without: ['scaling', 'lowPercentile', 'highPercentile', 'lightness'],
});
