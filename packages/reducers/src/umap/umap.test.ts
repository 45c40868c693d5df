import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareReduction } from '../compare/compare.ts';
import { seededRandom } from '../shared/seeded.ts';
import { estimateUmap, restoreUmap, umap } from './umap.ts';
import { fitCurve } from './curve.ts';
import { openEngine } from './engine.ts';
import { findNeighbours, fuzzySet, prepareRows } from './fit.ts';
import { settle } from './options.ts';
import { planMemory, type Metric } from './plan.ts';

interface Tiny {
  channels: number;
  neighbors: number;
  tokens: number[];
  curves: [number, number, number, number][];
  metrics: Record<
    Metric,
    {
      indices: number[];
      distances: number[];
      sigmas: number[];
      rhos: number[];
      starts: number[];
      columns: number[];
      weights: number[];
    }
  >;
}
// Made by fixtures/make_umap_tiny.py with umap-learn 0.5.12.
const tiny = JSON.parse(readFileSync(new URL('../../fixtures/umap-tiny.json', import.meta.url), 'utf8')) as Tiny;

/** `[count, channels]`: a few clusters. */
function blobs(count: number, channels: number, seed = 1): Float32Array {
  const random = seededRandom(seed);
  const centres = Float32Array.from({ length: 6 * channels }, () => random() * 4);
  return Float32Array.from(
    { length: count * channels },
    (_, at) => centres[(Math.floor(at / channels) % 6) * channels + (at % channels)]! + random(),
  );
}

const largest = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);

describe('a fuzzy set', () => {
  it.each(Object.keys(tiny.metrics) as Metric[])(
    "is umap-learn's for %s, with a mixed union and fractional connectivity",
    async (metric) => {
      const options = settle({
        channels: tiny.channels,
        neighbors: tiny.neighbors,
        metric,
        setOpMixRatio: 0.7,
        localConnectivity: 1.5,
      });
      const plan = planMemory({
        rows: 60,
        channels: tiny.channels,
        neighbors: tiny.neighbors,
        components: 3,
        threads: 1,
      });
      const engine = await openEngine({ bytes: plan.end, threads: 1, workers: false });
      await engine.writeRows(plan.tokens, Float32Array.from(tiny.tokens), tiny.channels, plan.stride);
      await prepareRows(engine, plan, options, {}, (row) => row);
      await findNeighbours(engine, plan, options, {});
      const words = async (at: number, length: number): Promise<Uint32Array> =>
        new Uint32Array((await engine.read(at, length)).buffer);
      const truth = tiny.metrics[metric];
      expect(Array.from(await words(plan.neighbours, truth.indices.length))).toEqual(truth.indices);
      expect(largest(await engine.read(plan.distances, truth.distances.length), truth.distances)).toBeLessThan(2e-6);
      const [edges] = await fuzzySet(engine, plan, options, {}, 0);
      expect(largest(await engine.read(plan.rhos, 60), truth.rhos)).toBeLessThan(2e-6);
      expect(largest(await engine.read(plan.sigmas, 60), truth.sigmas)).toBeLessThan(1e-4);
      expect(Array.from(await words(plan.starts, 61))).toEqual(truth.starts);
      expect(Array.from(await words(plan.columns, edges))).toEqual(truth.columns);
      expect(largest(await engine.read(plan.rates, edges), truth.weights)).toBeLessThan(1e-4);
    },
  );

  it('has the curve that scipy fits', () => {
    for (const [minDist, spread, a, b] of tiny.curves) {
      const ours = fitCurve(minDist, spread);
      expect(largest([ours.a, ours.b], [a, b])).toBeLessThan(1e-4);
    }
    expect(() => fitCurve(2, 1)).toThrow(/minDist is 2/);
    expect(() => fitCurve(0, 0)).toThrow(/spread is 0/);
  });
});

describe('umap', () => {
  it.each(['int8', 'float32'] as const)(
    'gives the same bytes for 1, 2, 3 and 4 threads, without workers, and in WebAssembly alone: %s',
    async (search) => {
      const tokens = blobs(1500, 20);
      const first = await umap(tokens, { channels: 20, epochs: 50, search, threads: 1 });
      const placed = await first.model.transform(tokens.subarray(0, 20 * 30));
      for (const options of [
        { threads: 1 },
        { threads: 2 },
        { threads: 3 },
        { threads: 4 },
        { workers: false },
        { products: 'wasm', threads: 2 },
        { products: 'wasm', workers: false },
      ] as const) {
        const { embedding, model } = await umap(tokens, { channels: 20, epochs: 50, search, ...options });
        expect(model.facts.arithmetic).toBe(search);
        expect(embedding).toEqual(first.embedding);
        expect(await model.transform(tokens.subarray(0, 20 * 30))).toEqual(placed);
        await model.close();
      }
      await first.model.close();
    },
  );

  it.each(['cosine', 'euclidean', 'correlation', 'manhattan'] as const)(
    'keeps clusters together under %s',
    async (metric) => {
      const tokens = blobs(600, 16);
      const { embedding } = await umap(tokens, { channels: 16, metric, epochs: 100, workers: false });
      const { trustworthiness, neighborOverlap } = await compareReduction(tokens, embedding, {
        channels: 16,
        components: 3,
        metric,
      });
      expect(trustworthiness).toBeGreaterThan(0.9);
      expect(neighborOverlap).toBeGreaterThan(0.15);
    },
  );

  it('another seed is another picture, another number of components another shape', async () => {
    const tokens = blobs(200, 8);
    const run = async (options: object) =>
      (await umap(tokens, { channels: 8, epochs: 20, workers: false, ...options })).embedding;
    expect(await run({ seed: 1 })).not.toEqual(await run({ seed: 2 }));
    for (const components of [1, 2, 4, 5, 9]) expect(await run({ components })).toHaveLength(200 * components);
  });

  it('fits a seeded sample past maxFitTokens and places the rest, whatever chunks the tokens come in', async () => {
    const tokens = blobs(900, 12);
    const options = { channels: 12, maxFitTokens: 500, sampleTokens: 300, epochs: 60, workers: false };
    const { embedding, model } = await umap(tokens, options);
    expect(model.facts.fitted).toBe(300);
    const chunks = (size: number) => ({
      count: 900,
      async *chunks() {
        for (let at = 0; at < tokens.length; at += size * 12) yield tokens.slice(at, at + size * 12);
      },
    });
    for (const size of [1, 7, 900]) expect((await umap(chunks(size), options)).embedding).toEqual(embedding);
    expect(
      (await compareReduction(tokens, embedding, { channels: 12, components: 3 })).trustworthiness,
    ).toBeGreaterThan(0.9);
    await expect(umap({ ...chunks(10), count: 901 }, options)).rejects.toThrow(/901 were announced, 900 came/);
    await expect(umap({ ...chunks(10), count: 850 }, options)).rejects.toThrow(/850 were announced, more came/);
  });

  it('works for every number of tokens from 1, with more neighbours and components than there are', async () => {
    for (const count of [1, 2, 3, 4, 5, 15, 16]) {
      for (const init of ['pca', 'spectral', 'random'] as const) {
        const { embedding, model } = await umap(blobs(count, 5), { channels: 5, components: 4, init, workers: false });
        expect(embedding).toHaveLength(count * 4);
        expect(embedding.every(Number.isFinite)).toBe(true);
        expect((await model.transform(blobs(2, 5, 9))).every(Number.isFinite)).toBe(true);
      }
    }
  });

  it('stays finite when all tokens are equal, or zero, or many times there', async () => {
    const same = new Float32Array(60 * 6).fill(2);
    const some = blobs(60, 6);
    some.fill(0, 0, 30 * 6);
    for (const metric of ['cosine', 'euclidean', 'correlation', 'manhattan'] as const) {
      for (const tokens of [same, new Float32Array(60 * 6), some]) {
        for (const init of ['pca', 'spectral'] as const) {
          const { embedding } = await umap(tokens, { channels: 6, metric, init, epochs: 30, workers: false });
          expect(embedding.every(Number.isFinite)).toBe(true);
        }
      }
    }
  });

  it("names the first token with NaN or infinity, in a fit, in a sample's rest and in a transform", async () => {
    const tokens = blobs(300, 6);
    for (const value of [NaN, Infinity, -Infinity]) {
      const broken = tokens.slice();
      broken[123 * 6 + 2] = value;
      broken[200 * 6] = value;
      await expect(umap(broken, { channels: 6, threads: 2 })).rejects.toThrow('token 123 holds NaN or infinity');
      await expect(umap(broken, { channels: 6, maxFitTokens: 50, sampleTokens: 3, workers: false })).rejects.toThrow(
        /token (123|200) holds NaN/,
      );
    }
    const { model } = await umap(tokens, { channels: 6, epochs: 10, workers: false });
    await expect(model.transform(Float32Array.of(1, 2, 3, 4, 5, NaN))).rejects.toThrow('token 0 holds NaN');
    await expect(model.transform(new Float32Array(7))).rejects.toThrow(/no whole number of rows/);
    expect(await model.transform(new Float32Array(0))).toHaveLength(0);
  });

  it('refuses options out of range by name, no tokens, and what no memory holds', async () => {
    const tokens = blobs(20, 4);
    for (const [name, value] of Object.entries({
      components: 0,
      neighbors: 1,
      epochs: 0,
      setOpMixRatio: 2,
      minDist: 3,
      spread: -1,
      seed: 0.5,
      threads: 0,
      repulsionStrength: NaN,
    })) {
      await expect(umap(tokens, { channels: 4, [name]: value })).rejects.toThrow(new RegExp(name));
    }
    await expect(umap(new Float32Array(0), { channels: 4 })).rejects.toThrow(/none to fit/);
    await expect(
      umap(
        {
          count: 3e6,
          chunks: () => {
            throw new Error('not to be asked');
          },
        },
        { channels: 1408, maxFitTokens: 4e6 },
      ),
    ).rejects.toThrow(/4 GiB.*Lower maxFitTokens/);
    expect(estimateUmap({ count: 3e6, channels: 1408, maxFitTokens: 4e6 }).possible).toBe(false);
    const sampled = estimateUmap({ count: 1e6, channels: 1408 });
    expect(sampled.fitted).toBe(20_000);
    expect(sampled.bytes).toBeLessThan(500e6);
  });

  it('stops at every step when the signal says so, and can be used again', async () => {
    const tokens = blobs(3000, 30);
    const steps = new Set<string>();
    await umap(tokens, { channels: 30, epochs: 30, progress: (step) => steps.add(step) });
    for (const workers of [true, false]) {
      for (const delay of [0, 15, 40, 80, 160]) {
        const reason = new Error('enough');
        await expect(
          umap(tokens, { channels: 30, epochs: 3000, workers, signal: abortIn(delay, reason) }),
        ).rejects.toBe(reason);
      }
    }
    const aborted = AbortSignal.abort(new Error('before it began'));
    await expect(umap(tokens, { channels: 30, signal: aborted })).rejects.toThrow('before it began');
    expect(steps.has('reading')).toBe(true);
  });

  it('tells its progress, never beyond the total', async () => {
    const seen: [string, number, number | null][] = [];
    await umap(blobs(2000, 40), { channels: 40, epochs: 1500, threads: 2, progress: (...args) => seen.push(args) });
    expect(seen.some(([step]) => step === 'layout')).toBe(true);
    for (const [, done, total] of seen) if (total !== null) expect(done).toBeLessThanOrEqual(total);
  });
});

describe('a fitted umap', () => {
  it('places a token on the same spot whatever stands beside it', async () => {
    const tokens = blobs(400, 10);
    const { model } = await umap(tokens, { channels: 10, epochs: 30, workers: false });
    const others = blobs(40, 10, 3);
    const together = await model.transform(others);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 39 }), { minLength: 1, maxLength: 12 }), async (rows) => {
        const part = Float32Array.from(rows.flatMap((row) => Array.from(others.subarray(row * 10, row * 10 + 10))));
        const placed = await model.transform(part);
        rows.forEach((row, i) =>
          expect(placed.subarray(i * 3, i * 3 + 3)).toEqual(together.subarray(row * 3, row * 3 + 3)),
        );
      }),
      { numRuns: 15, seed: 4 },
    );
  });

  it.each(['cosine', 'euclidean', 'correlation', 'manhattan'] as const)(
    'is the same after state and restore under %s, zero tokens included',
    async (metric) => {
      const tokens = blobs(200, 9);
      tokens.fill(0, 9, 27);
      const { model } = await umap(tokens, { channels: 9, metric, epochs: 20, threads: 2 });
      const others = blobs(50, 9, 5);
      others.fill(0, 0, 9);
      const state = model.state();
      const copy = JSON.parse(JSON.stringify(state.metadata)) as typeof state.metadata;
      const restored = await restoreUmap({ ...state, metadata: copy }, 'x.safetensors', { workers: false });
      expect(await restored.transform(others)).toEqual(await model.transform(others));
      const again = restored.state();
      expect(again.metadata).toEqual(state.metadata);
      expect(again.tensors).toEqual(state.tensors);
      await model.close();
    },
  );

  it('has the same state for any number of threads', async () => {
    const tokens = blobs(500, 6);
    const states = [];
    for (const running of [
      { threads: 1 },
      { threads: 3 },
      { workers: false },
      { threads: 2, products: 'wasm' },
    ] as const) {
      const { model } = await umap(tokens, { channels: 6, epochs: 20, ...running });
      const { tensors, metadata } = model.state();
      const { products: _products, ...options } = metadata['options'] as { products: string };
      states.push({ tensors, metadata: { ...metadata, options } });
      await model.close();
    }
    for (const state of states) expect(state).toEqual(states[0]);
  });

  it("refuses a state that is not whole, by the file's name", async () => {
    const { model } = await umap(blobs(50, 4), { channels: 4, epochs: 5, workers: false });
    const { kind, tensors, metadata } = model.state();
    const { tokens: _tokens, ...less } = tensors;
    await expect(restoreUmap({ kind, tensors: less, metadata }, 'm.safetensors')).rejects.toThrow(
      /m\.safetensors: is not whole/,
    );
    await expect(restoreUmap({ kind: 'pca', tensors, metadata }, 'm.safetensors')).rejects.toThrow(/holds a pca model/);
    await expect(
      restoreUmap({ kind, tensors, metadata: { ...metadata, version: 9 } }, 'm.safetensors'),
    ).rejects.toThrow(/version 9/);
    await expect(
      restoreUmap({ kind, tensors: { ...tensors, embedding: tensors['tokens']! }, metadata }, 'm.safetensors'),
    ).rejects.toThrow(/its embedding are \[\d+, \d+\] float32, which should be/);
  });
});

function abortIn(milliseconds: number, reason: Error): AbortSignal {
  const controller = new AbortController();
  setTimeout(() => controller.abort(reason), milliseconds);
  return controller.signal;
}
