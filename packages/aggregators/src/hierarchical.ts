// Averages a pyramid of regions: the whole picture, its quarters, their quarters.

import { tensor } from '@deepearth/core';
import { z } from 'zod';
import { aggregator } from './aggregator.ts';
import { pool, spaceAndTime } from './pooling.ts';

/** Options of `aggregator/hierarchical`. */
export const hierarchicalOptions = z.strictObject({
  levels: z
    .array(z.number().int().positive().max(64))
    .min(1)
    .default([1, 2, 4])
    .describe('Cells along an edge at each level: [1, 2, 4] is the whole, 2 x 2 and 4 x 4, 21 vectors together.'),
});

const regionCount = (levels: readonly number[]): number => levels.reduce((n, level) => n + level * level, 0);

/** The stage `aggregator/hierarchical`. */
export const hierarchical = aggregator(hierarchicalOptions, {
  type: 'hierarchical',
  summary: 'Averages a pyramid of regions over time: the whole picture first, then finer and finer cells, row by row.',
  examples: ['- type: aggregator/hierarchical', '- type: aggregator/hierarchical\n  with: { levels: [1, 3] }'],
  needs: spaceAndTime,
  axes: ({ channels }, { levels }) => ({ region: regionCount(levels), channels: channels ?? null }),
  refuse: ({ height, width }, { levels }) => {
    const most = Math.max(...levels);
    return most > (height ?? most) || most > (width ?? most)
      ? `a level of ${most} x ${most} regions is finer than the grid of ${height} x ${width} tokens`
      : undefined;
  },
  make(tokens, { levels }) {
    const [, height, width, channels] = tokens.values.shape as [number, number, number, number];
    const out = new Float32Array(regionCount(levels) * channels);
    let at = 0;
    for (const level of levels) {
      // A token belongs to the region its centre lies in.
      const cell = (position: number, length: number): number => Math.floor(((position + 0.5) * level) / length);
      const { data } = pool(
        tokens,
        { count: level * level, of: (_, row, column) => cell(row!, height) * level + cell(column!, width) },
        'mean',
      );
      out.set(data, at);
      at += data.length;
    }
    return tensor('float32', [out.length / channels, channels], out);
  },
});
