// Averages over space: one vector per time step.

import { z } from 'zod';
import { aggregate } from './aggregate.ts';
import { aggregator } from './aggregator.ts';
import { spaceAndTime } from './pooling.ts';

/** The stage `aggregator/spatial-mean`. */
export const spatialMean = aggregator(z.strictObject({}), {
  type: 'spatial-mean',
  summary: 'Averages each time step over space: one vector per time step, NaN for a step without any data.',
  examples: ['- type: aggregator/spatial-mean'],
  needs: spaceAndTime,
  axes: ({ time, channels }) => ({ time: time ?? null, channels: channels ?? null }),
  make: (tokens) => aggregate(tokens, 'spatial-mean'),
});
