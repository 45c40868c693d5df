// Averages each quarter of the picture over space and time.

import { z } from 'zod';
import { aggregator } from './aggregator.ts';
import { pool } from './pooling.ts';

/** The stage `aggregator/quadrants`. */
export const quadrants = aggregator(z.strictObject({}), {
  type: 'quadrants',
  summary:
    'Averages each quarter of the picture: upper left, upper right, lower left, lower right; a middle row or column belongs to the lower or right one.',
  examples: ['- type: aggregator/quadrants'],
  needs: ['time', 'height', 'width'],
  axes: ({ channels }) => ({ quadrant: 4, channels: channels ?? null }),
  refuse: ({ height, width }) =>
    (height ?? 2) < 2 || (width ?? 2) < 2 ? `a grid of ${height} x ${width} tokens has no quarters` : undefined,
  make(tokens) {
    const [, height, width] = tokens.values.shape as [number, number, number, number];
    return pool(
      tokens,
      {
        count: 4,
        of: (_, row, column) => (row! >= Math.floor(height / 2) ? 2 : 0) + (column! >= Math.floor(width / 2) ? 1 : 0),
      },
      'mean',
    );
  },
});
