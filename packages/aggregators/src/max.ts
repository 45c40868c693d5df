// Takes the largest value of every channel over all tokens of a clip.

import { z } from 'zod';
import { aggregate } from './aggregate.ts';
import { aggregator } from './aggregator.ts';

/** The stage `aggregator/max`. */
export const max = aggregator(z.strictObject({}), {
  type: 'max',
  summary: 'Takes the largest value of every channel over all tokens of a clip.',
  examples: ['- type: aggregator/max'],
  axes: ({ channels }) => ({ channels: channels ?? null }),
  make: (tokens) => aggregate(tokens, 'max'),
});
