import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Tensor } from '@deepearth/core/tensor';
import { readTensorFile } from '@deepearth/formats/tensor-file-node';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { pca, pcaFit, restorePca, type PcaModel } from './pca.ts';
import { seededNormal } from '../shared/seeded.ts';

const root = join(import.meta.dirname, '../../../..');
const reference = join(root, '../shared/reference/reducers');
const fixture = JSON.parse(readFileSync(join(import.meta.dirname, '../../fixtures/pca.json'), 'utf8')) as Record<
  string,
  number[]
> & { rows: number; channels: number; noise_variance_3: number };

const largest = (a: ArrayLike<number>, b: ArrayLike<number>, count = b.length): number => {
  let worst = 0;
  for (let i = 0; i < count; i++) worst = Math.max(worst, Math.abs(a[i]! - b[i]!));
  return worst;
};

/** Rows with a few strong directions, some noise and an offset. */
function made(rows: number, channels: number, seed: number): Float32Array {
  const normal = seededNormal(seed);
  const directions = Array.from({ length: 4 }, () => Array.from({ length: channels }, normal));
  const out = new Float32Array(rows * channels);
  for (let r = 0; r < rows; r++) {
    const weights = [8, 4, 2, 1].map((scale) => scale * normal());
    for (let j = 0; j < channels; j++)
      out[r * channels + j] = 5 + weights.reduce((sum, weight, k) => sum + weight * directions[k]![j]!, 0.1 * normal());
  }
  return out;
}

const tensorsOf = async (name: string): Promise<Map<string, Tensor>> => {
  const file = await readTensorFile(join(reference, `${name}.safetensors`));
  const tensors = new Map<string, Tensor>();
  for (const [key, lazy] of file.tensors) tensors.set(key, await lazy.read());
  await file.close();
  return tensors;
};

describe('a PCA', () => {
  test('is what scikit-learn returns in float64 (fixture)', async () => {
    const x = Float64Array.from(fixture['x']!);
    const model = await pca(x, { channels: 6, components: 6 });
    expect(largest(model.loadings, fixture['components']!)).toBeLessThan(1e-12);
    expect(largest(model.mean, fixture['mean']!)).toBeLessThan(1e-12);
    expect(largest(model.explainedVariance, fixture['explained_variance']!)).toBeLessThan(1e-12);
    expect(largest(model.explainedVarianceRatio, fixture['explained_variance_ratio']!)).toBeLessThan(1e-12);
    expect(largest(model.singularValues, fixture['singular_values']!)).toBeLessThan(1e-12);
    expect(largest(model.project(x), fixture['transform']!)).toBeLessThan(1e-11);
    const white = await pca(x, { channels: 6, components: 3, whiten: true });
    expect(largest(white.project(x), fixture['whitened']!)).toBeLessThan(1e-11);
    expect(white.noiseVariance).toBeCloseTo(fixture.noise_variance_3, 12);
  });

  test('does not depend on how its tokens come, to the byte', async () => {
    const tokens = made(300, 40, 1);
    const whole = await pca(tokens, { channels: 40 });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 90 }), { maxLength: 12 }), async (cuts) => {
        const chunks: Float32Array[] = [];
        let at = 0;
        for (const rows of cuts) chunks.push(tokens.subarray(at * 40, (at = Math.min(300, at + rows)) * 40));
        chunks.push(tokens.subarray(at * 40));
        const model = await pca(chunks, { channels: 40 });
        expect(model.loadings).toEqual(whole.loadings);
        expect(model.explainedVariance).toEqual(whole.explainedVariance);
      }),
      { numRuns: 10 },
    );
  });

  test('loses no variance at full rank, and its inverse undoes it', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 2, max: 12 }),
        fc.integer({ min: 1, max: 1000 }),
        fc.boolean(),
        async (channels, seed, whiten) => {
          const tokens = made(4 * channels, channels, seed);
          const model = await pca(tokens, { channels, components: channels, whiten });
          expect([...model.explainedVarianceRatio].reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 10);
          expect(model.noiseVariance).toBe(0);
          expect(largest(await model.inverse(await model.transform(tokens)), tokens)).toBeLessThan(1e-4);
        },
      ),
      { numRuns: 25 },
    );
  });

  test('has orthonormal components, the largest loading of each positive, in descending order of variance', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 3, max: 20 }), fc.integer({ min: 1, max: 1000 }), async (channels, seed) => {
        const { loadings, explainedVariance } = await pca(made(60, channels, seed), { channels });
        for (let a = 0; a < 3; a++) {
          const row = [...loadings.subarray(a * channels, (a + 1) * channels)];
          expect(row.reduce((best, value) => (Math.abs(value) > Math.abs(best) ? value : best), 0)).toBeGreaterThan(0);
          for (let b = 0; b <= a; b++) {
            const product = row.reduce((sum, value, j) => sum + value * loadings[b * channels + j]!, 0);
            expect(product).toBeCloseTo(a === b ? 1 : 0, 9);
          }
        }
        expect([...explainedVariance]).toEqual([...explainedVariance].sort((x, y) => y - x));
      }),
      { numRuns: 20 },
    );
  });

  test('returns the same axes for tied variances, whatever the order of rows', async () => {
    const corners = [3, 0, 0, -3, 0, 0, 0, 3, 0, 0, -3, 0, 0, 0, 1, 0, 0, -1];
    const one = await pca(Float64Array.from(corners), { channels: 3 });
    const other = await pca(Float64Array.from([...corners.slice(9), ...corners.slice(0, 9)]), { channels: 3 });
    expect([...one.loadings].map((value) => Math.round(value * 1e9) / 1e9 + 0)).toEqual([1, 0, 0, 0, 1, 0, 0, 0, 1]);
    expect(largest(one.loadings, other.loadings)).toBeLessThan(1e-12);
  });

  test('stays exact where the data drifts far from its beginning', async () => {
    const normal = seededNormal(4);
    const tokens = Float64Array.from({ length: 9000 * 2 }, (_, i) => (i < 9000 ? 0 : 1e6) + (i % 2 ? 1 : 2) * normal());
    const still = tokens.map((value, i) => value - (i < 9000 ? 0 : 1e6));
    const [moved, flat] = [
      await pca(tokens.subarray(9000), { channels: 2, components: 2 }),
      await pca(still.subarray(9000), { channels: 2, components: 2 }),
    ];
    expect(largest(moved.explainedVariance, flat.explainedVariance)).toBeLessThan(1e-6);
  });

  test('of many channels goes through ONNX Runtime, within 1e-6 of float64, with the same bytes twice', async () => {
    const tokens = made(700, 700, 9);
    const options = { channels: 700, components: 3 } as const;
    const [quick, again, exact] = [
      await pca(tokens, options),
      await pca(tokens, { ...options, engine: 'onnx' }),
      await pca(tokens, { ...options, engine: 'javascript' }),
    ];
    expect(again.loadings).toEqual(quick.loadings);
    expect(largest(quick.loadings, exact.loadings)).toBeLessThan(1e-6);
    expect(largest(quick.explainedVarianceRatio, exact.explainedVarianceRatio)).toBeLessThan(1e-6);
    expect([...exact.explainedVariance]).not.toEqual([...quick.explainedVariance]);
  });

  test('agrees with ml-pca', async () => {
    const tokens = made(120, 30, 2);
    const [ours, theirs] = [await pca(tokens, { channels: 30 }), await pca(tokens, { channels: 30, engine: 'ml-pca' })];
    expect(largest(ours.loadings, theirs.loadings)).toBeLessThan(1e-9);
    expect(largest(ours.explainedVarianceRatio, theirs.explainedVarianceRatio)).toBeLessThan(1e-9);
  });

  test('returns zeros where nothing varies: one token, equal tokens, fewer tokens than components', async () => {
    const check = async (tokens: Float32Array, kept: number): Promise<PcaModel> => {
      const model = await pca(tokens, { channels: 4, components: 3 });
      expect([...model.explainedVariance].filter((variance) => variance > 0)).toHaveLength(kept);
      expect([...(await model.transform(tokens))].every(Number.isFinite)).toBe(true);
      expect([...model.explainedVarianceRatio].every(Number.isFinite)).toBe(true);
      return model;
    };
    await check(Float32Array.of(1, 2, 3, 4), 0);
    const equal = Float32Array.from({ length: 40 }, (_, i) => [0.1, 0.7, -3.3, 1e5][i % 4]!);
    expect([...(await (await check(equal, 0)).transform(equal))].every((value) => value === 0)).toBe(true);
    await check(Float32Array.of(1, 2, 3, 4, 2, 3, 5, 1), 1);
  });

  test('names what cannot be reduced', async () => {
    await expect(pca(Float32Array.of(1, 2, 3, NaN), { channels: 2, components: 1 })).rejects.toThrow(
      'row 1, channel 1 is NaN',
    );
    await expect(
      pca([Float32Array.of(1, 2), Float32Array.of(Infinity, 0)], { channels: 2, components: 1 }),
    ).rejects.toThrow('row 1, channel 0 is Infinity');
    await expect(pca(new Float32Array(0), { channels: 2, components: 1 })).rejects.toThrow('there are none');
    await expect(pca(new Float32Array(6), { channels: 2, components: 3 })).rejects.toThrow(
      '3 components were asked of 2 channels',
    );
    await expect(pca(new Float32Array(5), { channels: 2, components: 1 })).rejects.toThrow('no whole number of rows');
    const model = await pca(made(20, 5, 1), { channels: 5 });
    await expect(model.transform(new Float32Array(7))).rejects.toThrow('no whole number of rows of 5 channels');
    await expect(model.transform(Float32Array.of(1, 2, 3, 4, 5, 1, NaN, 3, 4, 5))).rejects.toThrow(
      'row 1, channel 1 is NaN',
    );
    expect(await model.transform(new Float32Array(0))).toHaveLength(0);
  });

  test('stops when it is told to, in slices and in a worker', async () => {
    for (const engine of ['javascript', 'onnx'] as const) {
      const controller = new AbortController();
      const fit = pcaFit({ channels: 400, engine, signal: controller.signal });
      await fit.add(made(2100, 400, 5));
      setTimeout(() => controller.abort(new Error('enough')), 5);
      await expect(
        (async () => {
          for (;;) {
            await fit.add(new Float32Array(400 * 2100));
            await new Promise((resolve) => setTimeout(resolve, 1));
          }
        })(),
      ).rejects.toThrow('enough');
      await fit.close();
    }
  });

  test('stops while it solves for very many components', async () => {
    const controller = new AbortController();
    const run = pca(made(1200, 900, 6), {
      channels: 900,
      components: 900,
      engine: 'onnx',
      signal: controller.signal,
      progress: (_step, done) => void (done === 1200 && setTimeout(() => controller.abort(new Error('enough')), 50)),
    });
    await expect(run).rejects.toThrow('enough');
  });

  test('is put together again from its state', async () => {
    const tokens = made(50, 6, 3);
    const model = await pca(tokens, { channels: 6, whiten: true });
    const again = restorePca(model.state());
    expect(await again.transform(tokens)).toEqual(await model.transform(tokens));
    expect(again.explainedVarianceRatio).toEqual(model.explainedVarianceRatio);
    const { mean: _mean, ...others } = model.state().tensors;
    expect(() => restorePca({ ...model.state(), tensors: others }, 'half.safetensors')).toThrow(
      'half.safetensors: is no whole PCA model',
    );
  });
});

describe.skipIf(!existsSync(reference))('a PCA of the reference tokens', () => {
  test('has the components, variances and projections of scikit-learn', async () => {
    const tokens = await tensorsOf('tokens');
    const expected = await tensorsOf('pca');
    const values = (name: string): Float64Array => expected.get(name)!.data as Float64Array;
    const held = tokens.get('held_out')!.data as Float32Array;
    const model = await pca(tokens.get('train')!.data as Float32Array, { channels: 64, components: 8 });
    expect(largest(model.loadings, values('components'))).toBeLessThan(1e-9);
    expect(largest(model.mean, values('mean'))).toBeLessThan(1e-9);
    expect(largest(model.explainedVariance, values('explained_variance'), 8)).toBeLessThan(1e-9);
    expect(largest(model.explainedVarianceRatio, values('explained_variance_ratio'), 8)).toBeLessThan(1e-9);
    expect(largest(model.singularValues, values('singular_values'), 8)).toBeLessThan(1e-9);
    expect(model.noiseVariance).toBeCloseTo(0.026770097427515127, 9);
    expect(largest(model.project(held), values('held_out_transform'))).toBeLessThan(1e-9);
    const white = await pca(tokens.get('train')!.data as Float32Array, { channels: 64, components: 8, whiten: true });
    expect(largest(white.project(held), values('held_out_transform_whitened'))).toBeLessThan(1e-9);
    const onnx = await pca(tokens.get('train')!.data as Float32Array, { channels: 64, components: 8, engine: 'onnx' });
    expect(largest(onnx.loadings, values('components'))).toBeLessThan(1e-6);
  });

  test.each([
    ['rank3', 3],
    ['constant_column', 5],
    ['wide', 4],
    ['big_offset', 5],
    ['identical_rows', 0],
    ['one_row', 0],
  ] as const)('of the case %s is right in its first %i directions and zero in the others', async (name, rank) => {
    const expected = await tensorsOf('pca');
    const x = expected.get(`${name}.x`)!;
    const [rows, channels] = x.shape as [number, number];
    const components = Math.min(rows, channels);
    const model = await pca(x.data as Float64Array, { channels, components });
    expect(
      largest(model.loadings, expected.get(`${name}.components`)!.data as Float64Array, rank * channels),
    ).toBeLessThan(1e-9);
    expect(
      largest(model.explainedVariance, expected.get(`${name}.explained_variance`)!.data as Float64Array, rank),
    ).toBeLessThan(1e-9);
    expect([...model.explainedVariance.subarray(rank)].every((variance) => variance === 0)).toBe(true);
    const projected = model.project(x.data as Float64Array);
    expect([...projected].every(Number.isFinite)).toBe(true);
  });
});
