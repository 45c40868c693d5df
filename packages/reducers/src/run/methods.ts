// The reducers that work on tokens alone, with no grid around them, by name.

import { z } from 'zod';
import type { FittedReducer, ModelKind, Progress } from '../models/model.ts';
import type { TokenChunks } from '../umap/options.ts';

/** What goes along with a fit. */
export interface MethodRun {
  readonly signal?: AbortSignal | undefined;
  readonly progress?: Progress | undefined;
}

export interface Fitted {
  readonly model: FittedReducer;
  /** `[tokens, components]`, where the fit placed them itself. */
  readonly embedding?: Float32Array;
}

/** A reducer as `reduceFile` uses it. */
export interface Method<Schema extends z.ZodObject = z.ZodObject> {
  readonly options: Schema;
  /** Bytes a fit holds at its peak, beside the answer. */
  estimate(count: number, channels: number, options: z.output<Schema>): Promise<number>;
  fit(tokens: TokenChunks, channels: number, options: z.output<Schema>, run: MethodRun): Promise<Fitted>;
}

const method = <Schema extends z.ZodObject>(definition: Method<Schema>): Method => definition as unknown as Method;

const components = (most: number) =>
  z.number().int().min(1).max(most).default(3).describe('How many numbers to make of each token.');
const seed = z.number().int().min(0).max(0xffffffff).default(42).describe('Seed of everything drawn by chance.');

/** Options of UMAP with umap-learn's names in camelCase; see `UmapOptions` for what they do. */
export const umapMethodOptions = z.strictObject({
  components: components(64),
  neighbors: z
    .number()
    .int()
    .min(2)
    .max(256)
    .default(15)
    .describe(
      'How many nearest tokens (itself included) make the neighbourhood of a token: few show detail, many the whole.',
    ),
  minDist: z.number().min(0).default(0.1).describe('How close tokens may lie together in the result.'),
  spread: z.number().positive().default(1).describe('The scale of the result; minDist is at most this.'),
  metric: z
    .enum(['cosine', 'euclidean', 'correlation', 'manhattan'])
    .default('cosine')
    .describe('What near means between tokens.'),
  epochs: z
    .number()
    .int()
    .min(1)
    .optional()
    .describe('Rounds of the layout; 200 unless told (umap-js: its own choice).'),
  init: z
    .enum(['pca', 'spectral', 'random'])
    .default('pca')
    .describe(
      'Where the layout starts: principal components, which stay put between runs, the spectrum of the graph as umap-learn, or chance.',
    ),
  setOpMixRatio: z
    .number()
    .min(0)
    .max(1)
    .default(1)
    .describe('1 joins neighbourhoods (fuzzy union), 0 takes what both agree on.'),
  localConnectivity: z.number().min(0).default(1).describe('How many nearest neighbours are taken as fully connected.'),
  repulsionStrength: z.number().min(0).default(1).describe('Weight of the pushes of tokens that are no neighbours.'),
  negativeSampleRate: z.number().int().min(0).default(5).describe('Pushes for each pull.'),
  seed,
  maxFitTokens: z
    .number()
    .int()
    .min(2)
    .default(40_000)
    .describe('Past this many tokens a sample is fitted and the others are placed by it.'),
  sampleTokens: z.number().int().min(2).default(20_000).describe('How many tokens that sample holds.'),
  engine: z
    .enum(['native', 'umap-js'])
    .default('native')
    .describe("native is this project's own; umap-js is slower, kept for comparison, and cannot be saved."),
});

export const pcaMethodOptions = z.strictObject({
  components: z
    .number()
    .int()
    .min(1)
    .default(3)
    .describe('How many components to keep: 3 make a colour, 1 goes through a colour map.'),
  whiten: z.boolean().default(false).describe('Divides each component by its standard deviation.'),
  engine: z
    .enum(['auto', 'onnx', 'javascript', 'ml-pca'])
    .default('auto')
    .describe(
      'Who multiplies: ONNX Runtime in a worker or typed arrays; ml-pca is a cross-check that holds all tokens in memory.',
    ),
});

export const kmeansMethodOptions = z.strictObject({
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
    .describe('Past this many tokens a sample is fitted and the others join the nearest group.'),
  seed,
});

export const randomProjectionMethodOptions = z.strictObject({
  components: z.number().int().min(1).default(3).describe('How many random directions.'),
  seed,
});

/** Reads rows spread over all tokens by the seed, `[count, channels]`. */
async function sampled(
  tokens: TokenChunks,
  channels: number,
  limit: number,
  drawn: number,
  signal?: AbortSignal,
): Promise<Float32Array> {
  const { stratifiedSample } = await import('../tokens/sample.ts');
  const rows = stratifiedSample([tokens.count], limit, drawn)[0]!;
  const out = new Float32Array(rows.length * channels);
  let seen = 0;
  let next = 0;
  for await (const chunk of tokens.chunks(signal)) {
    const end = seen + chunk.length / channels;
    for (; next < rows.length && rows[next]! < end; next++)
      out.set(chunk.subarray((rows[next]! - seen) * channels, (rows[next]! - seen + 1) * channels), next * channels);
    seen = end;
  }
  return out;
}

/** All of them; each loads its own parts when it is used. */
export const methods: Readonly<Record<ModelKind, Method>> = {
  pca: method({
    options: pcaMethodOptions,
    async estimate(count, channels, { engine }) {
      const { blockRows } = await import('../pca/moments.ts');
      return (
        channels * channels * 16 +
        channels * 128 * 8 +
        3 * blockRows(channels) * channels * 4 +
        (engine === 'ml-pca' ? count * channels * 16 : 0)
      );
    },
    async fit(tokens, channels, options, { signal, progress }) {
      const { pca } = await import('../pca/pca.ts');
      return {
        model: await pca(tokens.chunks(signal), { ...options, channels, total: tokens.count, signal, progress }),
      };
    },
  }),
  umap: method({
    options: umapMethodOptions,
    async estimate(count, channels, { engine, ...options }) {
      const { estimateUmap } = await import('../umap/umap.ts');
      // umap-js holds every number as a float64, and trees and heaps beside them.
      return engine === 'umap-js'
        ? Math.min(count, options.maxFitTokens) * (channels * 8 + 2000)
        : estimateUmap({ ...options, epochs: options.epochs ?? 200, channels, count }).bytes;
    },
    async fit(tokens, channels, { engine, epochs, ...options }, { signal, progress }) {
      if (engine === 'native')
        return (await import('../umap/umap.ts')).umap(tokens, {
          ...options,
          epochs: epochs ?? 200,
          channels,
          signal,
          progress,
        });
      const limit =
        tokens.count > options.maxFitTokens ? Math.min(options.sampleTokens, options.maxFitTokens) : tokens.count;
      const { umapJs } = await import('../umap/umap-js.ts');
      const { embedding, model } = await umapJs(
        await sampled(tokens, channels, limit, options.seed, signal),
        { ...options, epochs, channels },
        { signal, progress },
      );
      return limit === tokens.count ? { embedding, model } : { model };
    },
  }),
  kmeans: method({
    options: kmeansMethodOptions,
    estimate: async (count, channels, { maxFitTokens, clusters }) =>
      Math.min(count, maxFitTokens) * channels * 8 + clusters * channels * 24,
    async fit(tokens, channels, { maxFitTokens, ...options }, { signal, progress }) {
      const { kmeans } = await import('../kmeans/kmeans.ts');
      return {
        model: await kmeans(await sampled(tokens, channels, maxFitTokens, options.seed, signal), {
          ...options,
          channels,
          signal,
          progress,
        }),
      };
    },
  }),
  'random-projection': method({
    options: randomProjectionMethodOptions,
    estimate: async (_count, channels, options) => channels * options.components * 8,
    async fit(_tokens, channels, options) {
      const { randomProjection } = await import('../random-projection/random-projection.ts');
      return { model: randomProjection({ ...options, channels }) };
    },
  }),
};
