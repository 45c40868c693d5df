// Averages over space: one vector per time step.

import { z } from 'zod';
import { aggregator } from './aggregator.ts';
import { pool } from './pooling.ts';

/** The stage `aggregator/spatial-mean`. */
export const spatialMean = aggregator(z.strictObject({}), {
  type: 'spatial-mean',
  summary: 'Averages each time step over space: one vector per time step, NaN for a step without any data.',
  examples: ['- type: aggregator/spatial-mean'],
  needs: ['time', 'height', 'width'],
  axes: ({ time, channels }) => ({ time: time ?? null, channels: channels ?? null }),
  make: (tokens) => pool(tokens, { count: tokens.values.shape[0]!, of: (time) => time! }, 'mean'),
});
