// Averages over time: one vector per patch of the picture.

import { z } from 'zod';
import { aggregate } from './aggregate.ts';
import { aggregator } from './aggregator.ts';
import { spaceAndTime } from './pooling.ts';

/** The stage `aggregator/temporal-mean`. */
export const temporalMean = aggregator(z.strictObject({}), {
  type: 'temporal-mean',
  summary: 'Averages each patch over time: one vector per patch, NaN for a patch without any data.',
  examples: ['- type: aggregator/temporal-mean'],
  needs: spaceAndTime,
  axes: ({ height, width, channels }) => ({ height: height ?? null, width: width ?? null, channels: channels ?? null }),
  make: (tokens) => aggregate(tokens, 'temporal-mean'),
});
