// What every reducer makes of tokens far from the ordinary: fill values, constants, duplicates, numbers at the ends of
// float32, a single token.

import { describe, expect, test } from 'vitest';
import { kmeans } from '../kmeans/kmeans.ts';
import { pca } from '../pca/pca.ts';
import { randomProjection } from '../random-projection/random-projection.ts';
import { seededNormal } from '../shared/seeded.ts';
import type { FittedReducer } from '../models/model.ts';

const reducers: Record<string, (tokens: Float32Array, channels: number) => Promise<FittedReducer>> = {
  pca: (tokens, channels) => pca(tokens, { channels }),
  'pca, whitened': (tokens, channels) => pca(tokens, { channels, whiten: true }),
  'k-means by angle': (tokens, channels) => kmeans(tokens, { channels }),
  'k-means by distance': (tokens, channels) => kmeans(tokens, { channels, metric: 'euclidean' }),
  'random projection': async (_, channels) => randomProjection({ channels }),
};

const ordinary = (rows: number, channels: number): Float32Array => {
  const normal = seededNormal(5);
  return Float32Array.from({ length: rows * channels }, () => normal());
};

const cases: Record<string, (tokens: Float32Array, channels: number) => Float32Array> = {
  'a fill value of 1e8': (tokens, channels) => tokens.fill(1e8, 3 * channels, 4 * channels),
  'a fill value of 1e19': (tokens, channels) => tokens.fill(1e19, 3 * channels, 4 * channels),
  'a fill value of 9.97e36': (tokens, channels) => tokens.fill(9.96921e36, 3 * channels, 4 * channels),
  'a fill value of -9999': (tokens, channels) => tokens.fill(-9999, 3 * channels, 4 * channels),
  'nothing but zeros': (tokens) => tokens.fill(0),
  'nothing but ones': (tokens) => tokens.fill(1),
  denormals: (tokens) => tokens.map((value) => value * 1e-40),
  'tiny numbers': (tokens) => tokens.map((value) => value * 1e-25),
  'huge numbers': (tokens) => tokens.map((value) => value * 1e34),
  pairs: (tokens, channels) => {
    tokens.copyWithin(tokens.length / 2, 0, Math.floor(tokens.length / channels / 2) * channels);
    return tokens;
  },
  'a single token': (tokens, channels) => tokens.slice(0, channels),
};

/** What a PCA of all would show nothing but. */
const hidden = /fill value of (1e8|1e19|9\.97e36)/;

describe.each([
  [60, 20],
  [300, 1024],
])('%d tokens of %d numbers', (rows, channels) => {
  // Wide tokens go through ONNX Runtime in float32, for PCA alone.
  const those = Object.keys(reducers).filter((name) => channels < 100 || name === 'pca');
  test.each(Object.keys(cases).flatMap((name) => those.map((reducer) => [name, reducer] as const)))(
    'with %s have places (%s)',
    async (name, reducer) => {
      const tokens = cases[name]!(ordinary(rows, channels), channels);
      if (reducer.startsWith('pca') && hidden.test(name)) {
        await expect(reducers[reducer]!(tokens, channels)).rejects.toMatchObject({
          code: 'E_FAR_TOKEN',
          subject: 'token 3',
          remedy: expect.stringContaining('valid'),
        });
        return;
      }
      const model = await reducers[reducer]!(tokens, channels);
      const out = await model.transform(tokens);
      expect(out.findIndex((value) => !Number.isFinite(value))).toBe(-1);
      expect((await model.transform(tokens)).join()).toBe(out.join());
    },
  );

  test.each([1e-25, 1e20, 1e34])('times %d have the variances of the ordinary', async (factor) => {
    const [plain, far] = [ordinary(rows, channels), ordinary(rows, channels).map((value) => value * factor)];
    const [one, other] = [await pca(plain, { channels }), await pca(far, { channels })];
    one.explainedVarianceRatio.forEach((share, k) => expect(other.explainedVarianceRatio[k]).toBeCloseTo(share, 4));
    if (channels > 100) return;
    const labels = await Promise.all(
      [plain, far].map(async (tokens) => (await kmeans(tokens, { channels, metric: 'euclidean' })).transform(tokens)),
    );
    expect(labels[1]).toEqual(labels[0]);
  });
});
