import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bytesSource } from '@deepearth/formats/bytes';
import { openSafetensors } from '@deepearth/formats/safetensors';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seededRandom } from '../shared/seeded.ts';
import { restoreUmap, umap, type UmapModel } from './umap.ts';

const channels = 24;

/** `[count, channels]` along a closed curve, far from the origin and of different lengths. */
function ring(count: number): Float32Array {
  const random = seededRandom(8);
  return Float32Array.from({ length: count * channels }, (_, at) => {
    const angle = (Math.floor(at / channels) / count) * 2 * Math.PI;
    const c = at % channels;
    return 3 + Math.sin(angle) * Math.cos(c * 1.7) * 4 + Math.cos(angle) * Math.sin(c * 0.9) * 4 + 0.1 * random();
  });
}

const relativeErrors = (found: Float32Array, truth: Float32Array, width: number): number[] =>
  Array.from({ length: truth.length / width }, (_, i) => {
    let [miss, size] = [0, 0];
    for (let c = i * width; c < (i + 1) * width; c++)
      [miss, size] = [miss + (found[c]! - truth[c]!) ** 2, size + truth[c]! ** 2];
    return Math.sqrt(miss / size);
  });
const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

describe('the inverse of a umap', () => {
  const tokens = ring(300);
  let embedding: Float32Array;
  let model: UmapModel;
  beforeAll(async () => {
    ({ embedding, model } = await umap(tokens, { channels, threads: 2, epochs: 100 }));
  });
  afterAll(() => model.close());

  it.each(['cosine', 'euclidean', 'correlation', 'manhattan'] as const)(
    'brings fitted tokens back in their own scale under %s',
    async (metric) => {
      const fitted = await umap(tokens, { channels, metric, workers: false, epochs: 100 });
      const errors = relativeErrors(await fitted.model.inverse(fitted.embedding), tokens, channels);
      expect(median(errors)).toBeLessThan(0.03);
      expect(Math.max(...errors)).toBeLessThan(0.25);
    },
  );

  it('lands where it started when its tokens are placed again', async () => {
    const again = await model.transform(await model.inverse(embedding));
    const span = Math.max(...embedding) - Math.min(...embedding);
    const moved = Array.from({ length: 300 }, (_, i) =>
      Math.hypot(...[0, 1, 2].map((c) => again[i * 3 + c]! - embedding[i * 3 + c]!)),
    );
    expect(median(moved)).toBeLessThan(span * 0.02);
  });

  it('stays within the fitted tokens, channel by channel, for any place', async () => {
    const [low, high] = [new Float32Array(channels).fill(Infinity), new Float32Array(channels).fill(-Infinity)];
    tokens.forEach((value, at) => {
      low[at % channels] = Math.min(low[at % channels]!, value);
      high[at % channels] = Math.max(high[at % channels]!, value);
    });
    const place = fc.float({ noNaN: true, noDefaultInfinity: true });
    await fc.assert(
      fc.asyncProperty(fc.array(place, { minLength: 3, maxLength: 3 }), async (places) => {
        const found = await model.inverse(Float32Array.from(places));
        found.forEach((value, c) => {
          expect(value).toBeGreaterThanOrEqual(low[c]! - 1e-4);
          expect(value).toBeLessThanOrEqual(high[c]! + 1e-4);
        });
      }),
      { numRuns: 60, seed: 2, examples: [[[0, 0, 0]], [[1e38, -1e38, 3e38]]] },
    );
  });

  it('returns a place the same whatever stands beside it, for any threads, and after state and restore', async () => {
    const together = await model.inverse(embedding);
    expect(await model.inverse(embedding.subarray(30, 60))).toEqual(together.subarray(10 * channels, 20 * channels));
    for (const running of [{ workers: false }, { threads: 1 }, { threads: 3 }]) {
      const restored = await restoreUmap(model.state(), 'm', running);
      expect(await restored.inverse(embedding)).toEqual(together);
      await restored.close();
    }
  });

  it('gives zero tokens back as zeros and equal tokens as themselves', async () => {
    for (const value of [0, 2]) {
      const same = new Float32Array(40 * channels).fill(value);
      const fitted = await umap(same, { channels, workers: false, epochs: 10 });
      expect(
        Math.max(...(await fitted.model.inverse(fitted.embedding)).map((found) => Math.abs(found - value))),
      ).toBeLessThan(1e-6);
    }
    const one = await umap(tokens.subarray(0, channels), { channels, workers: false });
    expect(
      median(relativeErrors(await one.model.inverse(one.embedding), tokens.subarray(0, channels), channels)),
    ).toBeLessThan(1e-6);
  });

  it('takes more places than it has room for at once', async () => {
    const many = new Float32Array(5000 * 3);
    for (let i = 0; i < 5000; i++) many.set(embedding.subarray((i % 300) * 3, (i % 300) * 3 + 3), i * 3);
    const found = await model.inverse(many);
    expect(found.subarray(4999 * channels)).toEqual(found.subarray(199 * channels, 200 * channels));
  });

  it('refuses NaN by its row, and a wrong width; nothing gives nothing; an aborted signal stops it', async () => {
    await expect(model.inverse(Float32Array.of(1, 2, 3, 4, NaN, 6))).rejects.toThrow(
      /projections: row 1, channel 1 is NaN/,
    );
    await expect(model.inverse(new Float32Array(4))).rejects.toThrow(/no whole number of rows/);
    expect(await model.inverse(new Float32Array(0))).toHaveLength(0);
    await expect(model.inverse(embedding, AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
  });
});

const file = fileURLToPath(new URL('../../../../../shared/reference/reducers/tokens.safetensors', import.meta.url));
const present = existsSync(file);

describe.skipIf(!present)(
  `the inverse on real tokens${present ? '' : ' (skipped: no ../shared/reference/reducers beside the repository)'}`,
  () => {
    it('is much nearer to the tokens than their mean, new ones included', async () => {
      const stored = await openSafetensors(bytesSource(readFileSync(file)));
      const [train, heldOut] = [
        (await stored.tensor('train')).data as Float32Array,
        (await stored.tensor('held_out')).data as Float32Array,
      ];
      const mean = new Float32Array(64);
      train.forEach((value, at) => (mean[at % 64]! += value / (train.length / 64)));
      const error = (found: Float32Array, truth: Float32Array): number => median(relativeErrors(found, truth, 64));
      const asMean = (truth: Float32Array): number =>
        error(
          truth.map((_, at) => mean[at % 64]!),
          truth,
        );
      const { embedding, model } = await umap(train, { channels: 64, threads: 2 });
      expect(error(await model.inverse(embedding), train)).toBeLessThan(0.8 * asMean(train));
      expect(error(await model.inverse(await model.transform(heldOut)), heldOut)).toBeLessThan(0.95 * asMean(heldOut));
      await model.close();
    });
  },
);
