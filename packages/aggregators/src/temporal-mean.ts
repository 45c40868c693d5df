// Averages over time: one vector per patch of the picture.

import { z } from 'zod';
import { aggregator } from './aggregator.ts';
import { pool } from './pooling.ts';

/** The stage `aggregator/temporal-mean`. */
export const temporalMean = aggregator(z.strictObject({}), {
  type: 'temporal-mean',
  summary: 'Averages each patch over time: one vector per patch, NaN for a patch without any data.',
  examples: ['- type: aggregator/temporal-mean'],
  needs: ['time', 'height', 'width'],
  axes: ({ height, width, channels }) => ({ height: height ?? null, width: width ?? null, channels: channels ?? null }),
  make(tokens) {
    const [, height, width] = tokens.values.shape as [number, number, number, number];
    return pool(tokens, { count: height * width, of: (_, row, column) => row! * width + column! }, 'mean');
  },
});
