// Averages each quarter of the picture over space and time.

import { z } from 'zod';
import { aggregate, noQuarters } from './aggregate.ts';
import { aggregator } from './aggregator.ts';
import { spaceAndTime } from './pooling.ts';

/** The stage `aggregator/quadrants`. */
export const quadrants = aggregator(z.strictObject({}), {
  type: 'quadrants',
  summary:
    'Averages each quarter of the picture: upper left, upper right, lower left, lower right; a middle row or column belongs to the lower or right one.',
  examples: ['- type: aggregator/quadrants'],
  needs: spaceAndTime,
  axes: ({ channels }) => ({ quadrant: 4, channels: channels ?? null }),
  refuse: ({ height, width }) => noQuarters(height ?? 2, width ?? 2),
  make: (tokens) => aggregate(tokens, 'quadrants'),
});
