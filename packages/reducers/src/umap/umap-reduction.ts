// UMAP as one definition: for the stage, for `deepearth reduce`, and in parts.

import { z } from 'zod';
import type { SavableReduction } from '../run/reduction.ts';
import { seedOption } from '../run/common-options.ts';
import { samplePart } from '../run/sample-part.ts';
import { gathered, type SampleContent, type SampleLimits } from '../tokens/sample.ts';
import { estimateUmap } from './estimate.ts';

const options = z.strictObject({
  components: z.number().int().min(1).max(64).default(3).describe('Coordinates per token.'),
  neighbors: z
    .number()
    .int()
    .min(2)
    .max(256)
    .default(15)
    .describe(
      'How many nearest tokens (itself included) make the neighbourhood of a token: few show detail, many the overall structure.',
    ),
  minDist: z.number().min(0).default(0.1).describe('How close tokens may lie together in the result.'),
  spread: z.number().positive().default(1).describe('The scale of the result; minDist is at most this.'),
  metric: z
    .enum(['cosine', 'euclidean', 'correlation', 'manhattan'])
    .default('cosine')
    .describe('Distance between tokens.'),
  epochs: z.number().int().min(1).optional().describe('Epochs of the layout. Default: 200 (umap-js: its own choice).'),
  init: z
    .enum(['pca', 'spectral', 'random'])
    .default('pca')
    .describe(
      'Where the layout starts: principal components, which stay put between runs, the spectrum of the graph as umap-learn, or random numbers.',
    ),
  setOpMixRatio: z
    .number()
    .min(0)
    .max(1)
    .default(1)
    .describe('1 joins neighbourhoods (fuzzy union), 0 takes what both agree on.'),
  localConnectivity: z.number().min(0).default(1).describe('How many nearest neighbours are taken as fully connected.'),
  repulsionStrength: z
    .number()
    .min(0)
    .default(1)
    .describe('Weight of the repulsion between tokens that are not neighbours.'),
  negativeSampleRate: z
    .number()
    .int()
    .min(0)
    .default(5)
    .describe('Negative samples for each positive one: repulsions for each attraction.'),
  seed: seedOption,
  maxFitTokens: z
    .number()
    .int()
    .min(2)
    .default(40_000)
    .describe('With more tokens than this, a sample is fitted and the others are placed by it.'),
  sampleTokens: z.number().int().min(2).default(20_000).describe('How many tokens that sample holds.'),
  engine: z
    .enum(['native', 'umap-js'])
    .default('native')
    .describe("native is this project's own; umap-js is slower, kept for comparison, and cannot be saved."),
});
/** Options of UMAP with umap-learn's names in camelCase; see `UmapOptions` for what they do. */
export type UmapReductionOptions = z.output<typeof options>;

/** Which tokens are fitted. */
export const umapLimits = ({ maxFitTokens, sampleTokens, seed }: UmapReductionOptions): SampleLimits => ({
  most: maxFitTokens,
  sample: sampleTokens,
  seed,
});

export const umapReduction: SavableReduction<UmapReductionOptions, SampleContent> = {
  name: 'umap',
  options,
  components: ({ components }) => components,
  estimate({ count, channels }, { engine, epochs: _epochs, ...rest }) {
    const tokens = Math.max(1, count ?? rest.maxFitTokens);
    // umap-js holds every number as a float64, and trees and heaps beside them.
    return engine === 'umap-js'
      ? Math.min(tokens, rest.maxFitTokens) * (channels * 8 + 2000)
      : estimateUmap({ ...rest, channels, count: tokens }).bytes;
  },
  settings: ({ maxFitTokens, sampleTokens, seed }) => ({ maxFitTokens, sampleTokens, seed }),
  ...samplePart(umapLimits),
  async fit({ channels, content }, { engine, epochs, maxFitTokens: _most, sampleTokens: _sample, ...rest }, running) {
    const count = content.tokens.length;
    if (engine === 'umap-js') {
      const { umapJs } = await import('./umap-js.ts');
      const tokens = await gathered(content, channels, running.signal);
      return umapJs(tokens, { ...rest, epochs, channels, origins: content.digests }, running);
    }
    const { umap } = await import('./umap.ts');
    const { model } = await umap(
      { count, chunks: (signal) => content.chunks(signal), origins: content.digests },
      { ...rest, epochs: epochs ?? 200, channels, maxFitTokens: Math.max(2, count), ...running },
    );
    return model;
  },
  inverts: true,
  sizes: (shape) => [shape('tokens')[1], shape('embedding')[1]],
  restore: async (state, subject) => (await import('./umap.ts')).restoreUmap(state, subject),
};
