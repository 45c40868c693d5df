// Takes the first token of a clip as it is.

import { z } from 'zod';
import { aggregate } from './aggregate.ts';
import { aggregator } from './aggregator.ts';

/** The stage `aggregator/first-token`. */
export const firstToken = aggregator(z.strictObject({}), {
  type: 'first-token',
  summary:
    'Takes the first token of the grid, as the Python scripts did: the upper left patch of the first frames (for the class token of DINO there is `aggregator/class-token`).',
  examples: ['- type: aggregator/first-token'],
  axes: ({ channels }) => ({ channels: channels ?? null }),
  make: (tokens) => aggregate(tokens, 'first-token'),
});
