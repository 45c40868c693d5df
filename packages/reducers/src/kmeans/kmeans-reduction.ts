// k-means as one definition: for the stage, for `deepearth reduce`, and in parts.

import { z } from 'zod';
import { seedOption } from '../run/common-options.ts';
import { samplePart } from '../run/sample-part.ts';
import type { SavableReduction } from '../run/reduction.ts';
import { gathered, type SampleContent, type SampleLimits } from '../tokens/sample.ts';

const options = z.strictObject({
  clusters: z.number().int().min(1).max(1024).default(8).describe('How many groups.'),
  metric: z
    .enum(['cosine', 'euclidean'])
    .default('cosine')
    .describe('cosine compares the directions of tokens, euclidean their numbers as they are.'),
  iterations: z
    .number()
    .int()
    .min(1)
    .default(100)
    .describe('Mini-batches at most; it ends before when groups do not get tighter any more.'),
  batchSize: z.number().int().min(1).default(1024).describe('Tokens of a mini-batch.'),
  maxFitTokens: z
    .number()
    .int()
    .min(1)
    .default(20_000)
    .describe('With more tokens than this, a sample is fitted and the others join the nearest group.'),
  seed: seedOption,
});
type KmeansReductionOptions = z.output<typeof options>;

const limits = ({ maxFitTokens, seed }: KmeansReductionOptions): SampleLimits => ({
  most: maxFitTokens,
  sample: maxFitTokens,
  seed,
});

export const kmeansReduction: SavableReduction<KmeansReductionOptions, SampleContent> = {
  name: 'kmeans',
  options,
  components: () => 1,
  estimate: ({ count, channels }, { maxFitTokens, clusters }) =>
    Math.min(count ?? maxFitTokens, maxFitTokens) * channels * 8 + clusters * channels * 24,
  settings: ({ maxFitTokens, seed }) => ({ maxFitTokens, seed }),
  ...samplePart(limits),
  async fit({ channels, content }, { maxFitTokens: _most, ...chosen }, running) {
    const { kmeans } = await import('./kmeans.ts');
    return kmeans(await gathered(content, channels, running.signal), { ...chosen, channels, ...running });
  },
  inverts: false,
  sizes: (shape) => [shape('centers')[1], 1],
  restore: async (state, subject) => (await import('./kmeans.ts')).restoreKmeans(state, subject),
};
