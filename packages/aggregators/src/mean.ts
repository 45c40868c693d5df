// Averages all tokens of a clip into one vector.

import { z } from 'zod';
import { aggregate } from './aggregate.ts';
import { aggregator } from './aggregator.ts';

/** The stage `aggregator/mean`. */
export const mean = aggregator(z.strictObject({}), {
  type: 'mean',
  summary: 'Averages all tokens of a clip into one vector.',
  examples: ['- type: aggregator/mean'],
  axes: ({ channels }) => ({ channels: channels ?? null }),
  make: (tokens) => aggregate(tokens, 'mean'),
});
