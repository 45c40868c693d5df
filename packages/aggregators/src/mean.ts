// Averages all tokens of a clip into one vector.

import { z } from 'zod';
import { aggregator } from './aggregator.ts';
import { pool } from './pooling.ts';

/** The stage `aggregator/mean`. */
export const mean = aggregator(z.strictObject({}), {
  type: 'mean',
  summary: 'Averages all tokens of a clip into one vector.',
  examples: ['- type: aggregator/mean'],
  axes: ({ channels }) => ({ channels: channels ?? null }),
  make: (tokens) => pool(tokens, { count: 1, of: () => 0 }, 'mean'),
});
