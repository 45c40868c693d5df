// Pools a clip at four levels, as the Python scripts did: all of it, each step, each place, each quarter of each step.

import { tensor } from '@deepearth/core';
import { z } from 'zod';
import { noQuarters } from './aggregate.ts';
import { aggregator } from './aggregator.ts';
import { hierarchicalPart, type HierarchicalPart } from './hierarchical-pool.ts';
import { spaceAndTime } from './pooling.ts';

const parts = ['global', 'temporal', 'spatial', 'quadrants'] as const satisfies readonly HierarchicalPart[];

/** Options of `aggregator/old-hierarchical`. */
export const oldHierarchicalOptions = z.strictObject({
  part: z
    .enum(parts)
    .optional()
    .describe(
      'One level alone, in axes of its own: `global` [channels], `temporal` [time, channels], `spatial` [height, width, channels] or `quadrants` [4, time, channels]. Default: the vectors of all four, in this order, as regions.',
    ),
});

/** The stage `aggregator/old-hierarchical`. */
export const oldHierarchical = aggregator(oldHierarchicalOptions, {
  type: 'old-hierarchical',
  summary:
    'Averages at four levels, as the Python scripts did: all tokens, each step of time, each place, each quarter of each step.',
  examples: ['- type: aggregator/old-hierarchical', '- type: aggregator/old-hierarchical\n  with: { part: quadrants }'],
  needs: spaceAndTime,
  axes({ time = null, height = null, width = null, channels = null }, { part }) {
    if (part === 'global') return { channels };
    if (part === 'temporal') return { time, channels };
    if (part === 'spatial') return { height, width, channels };
    if (part === 'quadrants') return { quadrant: 4, time, channels };
    const known = time !== null && height !== null && width !== null;
    return { region: known ? 1 + time + height * width + 4 * time : null, channels };
  },
  refuse: ({ height, width }, { part }) =>
    part === undefined || part === 'quadrants' ? noQuarters(height ?? 2, width ?? 2) : undefined,
  make(tokens, { part }) {
    if (part) return hierarchicalPart(tokens, part);
    const all = parts.map((each) => hierarchicalPart(tokens, each).data);
    const out = new Float32Array(all.reduce((sum, { length }) => sum + length, 0));
    all.reduce((at, data) => (out.set(data, at), at + data.length), 0);
    const channels = tokens.values.shape.at(-1)!;
    return tensor('float32', [out.length / channels, channels], out);
  },
});
