// Tokens far from the ordinary: fill values among them, constants, duplicates, numbers at the ends of float32.

import { describe, expect, test } from 'vitest';
import { seededNormal } from '../shared/seeded.ts';
import type { Metric } from './plan.ts';
import { restoreUmap, umap } from './umap.ts';

const [groups, members, channels] = [6, 80, 32];
const metrics = ['cosine', 'correlation', 'euclidean', 'manhattan'] as const satisfies readonly Metric[];

/** `[480, 32]`: six groups of 80, well apart. */
function grouped(): Float32Array {
  const normal = seededNormal(3);
  const centres = Float32Array.from({ length: groups * channels }, () => normal() * 4);
  return Float32Array.from(
    { length: groups * members * channels },
    (_, at) => centres[Math.floor(at / channels / members) * channels + (at % channels)]! + normal(),
  );
}

const filled = (rows: readonly number[], value: number): Float32Array => {
  const tokens = grouped();
  for (const row of rows) tokens.fill(value, row * channels, (row + 1) * channels);
  return tokens;
};

/** Share of the ten nearest in the layout that are of a row's own group; rows that are left out count nowhere. */
function purity(embedding: Float32Array, without: readonly number[] = [], components = 3): number {
  const rows = [...Array(groups * members).keys()].filter((row) => !without.includes(row));
  let own = 0;
  for (const i of rows) {
    const apart = rows
      .filter((j) => j !== i)
      .map((j) => {
        let sum = 0;
        for (let c = 0; c < components; c++)
          sum += (embedding[i * components + c]! - embedding[j * components + c]!) ** 2;
        return [sum, j] as const;
      })
      .sort(([a], [b]) => a - b);
    for (const [, j] of apart.slice(0, 10)) if (Math.floor(i / members) === Math.floor(j / members)) own++;
  }
  return own / rows.length / 10;
}

const finite = (values: Float32Array): boolean => values.every(Number.isFinite);

describe('a fill value among tokens', () => {
  test.each(
    metrics.flatMap((metric) => [1e8, 1e15, 1e19, 9.96921e36, -3.4e38, -9999].map((value) => [metric, value] as const)),
  )('leaves the neighbours of the others right (%s, %d)', async (metric, value) => {
    const few = [100];
    const { embedding } = await umap(filled(few, value), { channels, metric });
    expect(finite(embedding)).toBe(true);
    expect(purity(embedding, few)).toBe(1);
  });

  test.each(['euclidean', 'manhattan'] as const)('may fill some rows of every group (%s)', async (metric) => {
    const some = [...Array(groups * members).keys()].filter((row) => row % 17 === 0);
    for (const init of ['pca', 'spectral', 'random'] as const) {
      const { embedding } = await umap(filled(some, 9.96921e36), { channels, metric, init });
      expect(finite(embedding)).toBe(true);
      expect(purity(embedding, some)).toBeGreaterThan(init === 'random' ? 0.95 : 0.99);
    }
  });

  test('that is placed by a model, fitted with or without one, disturbs nothing; a saved model is the same', async () => {
    for (const [tokens, far] of [
      [grouped(), []],
      [filled([100], 1e19), [100]],
    ] as const) {
      const { embedding, model } = await umap(tokens, { channels, metric: 'euclidean' });
      const restored = await restoreUmap(model.state());
      const queries = new Float32Array(3 * channels);
      queries.set(tokens.subarray(0, channels).map((value) => value * 1.001));
      queries.fill(2e30, channels, 2 * channels);
      queries.set(
        tokens.subarray(470 * channels, 471 * channels).map((value) => value * 1.001),
        2 * channels,
      );
      const placed = await model.transform(queries);
      expect(finite(placed)).toBe(true);
      for (const [row, of] of [
        [0, 0],
        [2, 470],
      ] as const)
        expect(
          purity(
            Float32Array.from(embedding, (value, at) =>
              Math.floor(at / 3) === of ? placed[row * 3 + (at % 3)]! : value,
            ),
            far,
          ),
        ).toBe(1);
      expect(await restored.transform(queries)).toEqual(placed);
      expect(await restored.transform(tokens.slice(100 * channels, 101 * channels))).toEqual(embedding.slice(300, 303));
      const back = await model.inverse(embedding.slice(0, 3));
      expect(finite(back)).toBe(true);
    }
  });
});

describe('numbers at the ends of float32', () => {
  test.each(metrics.flatMap((metric) => [1e-40, 1e-30, 1e-20, 1e20, 1e36].map((factor) => [metric, factor] as const)))(
    'are told apart like any (%s, times %d)',
    async (metric, factor) => {
      // Of denormals only some digits are left: groups stay groups.
      const tokens = grouped().map((value) => value * factor);
      const { embedding, model } = await umap(tokens, { channels, metric });
      expect(finite(embedding)).toBe(true);
      expect(purity(embedding)).toBeGreaterThan(0.99);
      const back = await model.inverse(embedding.slice(0, 3));
      expect(back.some((value) => Math.abs(value) > factor)).toBe(true);
    },
  );
});

describe('tokens without differences', () => {
  test.each(metrics.flatMap((metric) => [0, 1, 1e30, 1e-42].map((value) => [metric, value] as const)))(
    'have one place (%s, all %d)',
    async (metric, value) => {
      const { embedding } = await umap(new Float32Array(50 * channels).fill(value), { channels, metric });
      expect(finite(embedding)).toBe(true);
      expect(new Set(Array.from({ length: 50 }, (_, row) => embedding.slice(row * 3, row * 3 + 3).join())).size).toBe(
        1,
      );
    },
  );

  test.each(metrics)('in pairs share their places, and one alone has one (%s)', async (metric) => {
    const tokens = grouped();
    const twice = new Float32Array(2 * tokens.length);
    twice.set(tokens);
    twice.set(tokens, tokens.length);
    const { embedding } = await umap(twice, { channels, metric });
    expect(embedding.slice(0, 3 * groups * members)).toEqual(embedding.slice(3 * groups * members));
    expect(purity(embedding)).toBeGreaterThan(0.99);
    const one = await umap(tokens.slice(0, channels), { channels, metric });
    expect(finite(one.embedding)).toBe(true);
  });
});
