import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bytesSource } from '@deepearth/formats/bytes';
import { openSafetensors } from '@deepearth/formats/safetensors';
import { beforeAll, describe, expect, it } from 'vitest';
import { compareReduction } from '../compare/compare.ts';
import { runAtOnce } from '../shared/pace.ts';
import { umap } from './umap.ts';
import { fitCurve } from './curve.ts';
import { openEngine } from './engine.ts';
import { findNeighbours, fuzzySet, prepareRows } from './fit.ts';
import { settle, type UmapOptions } from './options.ts';
import { planMemory } from './plan.ts';
import { smallestEigenpairs } from './spectrum.ts';

// Outputs of umap-learn 0.5.12, step by step; tolerances are those of the README beside them.
const folder = fileURLToPath(new URL('../../../../../shared/reference/reducers/', import.meta.url));
const present = existsSync(`${folder}expected.json`);
const title = `umap-learn, step by step${present ? '' : ' (skipped: no ../shared/reference/reducers beside the repository)'}`;

/** Values by name; some are float64 or int32, which read alike. */
type Arrays = Record<string, Float32Array>;
const read = async (name: string): Promise<Arrays> => {
  const file = await openSafetensors(bytesSource(readFileSync(`${folder}${name}.safetensors`)));
  const out: Arrays = {};
  for (const name of file.tensors.keys()) out[name] = (await file.tensor(name)).data as Arrays[string];
  return out;
};

const largest = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  expect(a.length).toBe(b.length);
  let most = 0;
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs(a[i]! - b[i]!));
  return most;
};

/** An engine in this thread with the given rows, prepared. */
async function engineWith(rows: Float32Array, options: UmapOptions) {
  const settled = settle(options);
  const plan = planMemory({
    rows: rows.length / settled.channels,
    channels: settled.channels,
    neighbors: settled.neighbors,
    components: settled.components,
    threads: 1,
  });
  const engine = await openEngine({ bytes: plan.end, threads: 1, workers: false });
  await engine.writeRows(plan.tokens, rows, settled.channels, plan.stride);
  await prepareRows(engine, plan, settled, {}, (row) => row);
  const words = async (at: number, length: number): Promise<Uint32Array> =>
    new Uint32Array((await engine.read(at, length)).buffer);
  return { engine, plan, settled, words };
}

describe.skipIf(!present)(title, () => {
  let tokens: Arrays;
  let neighbours: Arrays;
  let fuzzy: Arrays;
  let spectral: Arrays;
  let cases: Arrays;
  let expected: {
    curve: Record<string, { a: number; b: number }>;
    fuzzy: Record<string, { edges: number; sum: number; edges_after_pruning_for_500_epochs: number }>;
    umap: Record<
      string,
      { trust: number; held_out_trust_other_seeds_min_median_max: readonly [number, number, number] }
    >;
    umap_cases: Record<string, { edges?: number }>;
  };
  beforeAll(async () => {
    [tokens, neighbours, fuzzy, spectral, cases] = (await Promise.all(
      ['tokens', 'neighbours', 'fuzzy', 'spectral', 'cases'].map(read),
    )) as [Arrays, Arrays, Arrays, Arrays, Arrays];
    expected = JSON.parse(readFileSync(`${folder}expected.json`, 'utf8')) as typeof expected;
  });

  it('fits the curve to minDist and spread within 1e-4', () => {
    for (const [name, { a, b }] of Object.entries(expected.curve)) {
      const [, minDist, spread] = /min_dist (\S+) spread (\S+)/.exec(name)!;
      const ours = fitCurve(Number(minDist), Number(spread));
      expect(Math.abs(ours.a - a)).toBeLessThan(1e-4);
      expect(Math.abs(ours.b - b)).toBeLessThan(1e-4);
    }
  });

  describe.each(['cosine', 'euclidean'] as const)('%s', (metric) => {
    // Of so few tokens umap itself compares all in float32; 8 bits are shown to hold up all the same.
    it.each([
      ['auto', 0.9999],
      ['int8', 0.999],
    ] as const)('finds the neighbours, search %s: recall at least %d, distances within 1e-5', async (search, least) => {
      const { engine, plan, settled, words } = await engineWith(tokens['train']!, { channels: 64, metric, search });
      const facts = await findNeighbours(engine, plan, settled, {});
      expect(facts.arithmetic).toBe(search === 'auto' ? 'float32' : 'int8');
      const found = await words(plan.neighbours, plan.rows * 15);
      const truth = neighbours[`${metric}_indices`]!;
      let missed = 0;
      for (let i = 0; i < plan.rows; i++) {
        const own = new Set(found.subarray(i * 15, i * 15 + 15));
        for (let k = 0; k < 15; k++) if (!own.has(truth[i * 15 + k]!)) missed++;
      }
      expect(1 - missed / truth.length).toBeGreaterThanOrEqual(least);
      expect(
        largest(await engine.read(plan.distances, plan.rows * 15), neighbours[`${metric}_distances`]!),
      ).toBeLessThan(1e-5);
    });

    it('makes the same fuzzy set from the given distances within 1e-5, and prunes as many edges', async () => {
      const { engine, plan, settled, words } = await engineWith(tokens['train']!, { channels: 64, metric });
      await engine.write(plan.neighbours, Uint32Array.from(neighbours[`${metric}_indices`]!));
      await engine.write(plan.distances, neighbours[`${metric}_distances`]!);
      const [edges] = await fuzzySet(engine, plan, settled, {}, 0);
      expect(largest(await engine.read(plan.sigmas, plan.rows), fuzzy[`${metric}_sigmas`]!)).toBeLessThan(1e-5);
      expect(largest(await engine.read(plan.rhos, plan.rows), fuzzy[`${metric}_rhos`]!)).toBeLessThan(1e-5);
      const starts = await words(plan.starts, plan.rows + 1);
      expect(edges).toBe(expected.fuzzy[metric]!.edges);
      expect(largest(await words(plan.columns, edges), fuzzy[`${metric}_cols`]!)).toBe(0);
      expect(
        largest(
          Array.from(starts.subarray(0, plan.rows)).flatMap((from, i) => Array<number>(starts[i + 1]! - from).fill(i)),
          fuzzy[`${metric}_rows`]!,
        ),
      ).toBe(0);
      expect(largest(await engine.read(plan.rates, edges), fuzzy[`${metric}_vals`]!)).toBeLessThan(1e-5);

      const pruned = await engine.run('schedule', { plan, metric, epochs: 500 });
      expect(pruned[0]).toBe(expected.fuzzy[metric]!.edges_after_pruning_for_500_epochs);
      const count = pruned[0]!;
      const graph = {
        starts: await words(plan.starts, plan.rows + 1),
        columns: await words(plan.columns, count),
        weights: await engine.read(plan.rates, count),
      };
      const { values, vectors, residual } = runAtOnce(smallestEigenpairs(graph, 3));
      expect(residual).toBeLessThan(1e-7);
      expect(largest(values, spectral[`${metric}_eigenvalues`]!.subarray(1, 4))).toBeLessThan(1e-5);
      // Vectors as a subspace: each of ours lies in the span of theirs.
      const theirs = spectral[`${metric}_eigenvectors`]!;
      for (let k = 0; k < 3; k++) {
        let inside = 0;
        for (let l = 0; l < 4; l++) {
          let dot = 0;
          for (let i = 0; i < plan.rows; i++) dot += vectors[k * plan.rows + i]! * theirs[i * 4 + l]!;
          inside += dot * dot;
        }
        expect(inside).toBeGreaterThan(1 - 1e-5);
      }
    });

    it.each(['pca', 'spectral', 'random'] as const)(
      'is as trustworthy as umap-learn from a start by %s, and places held-out tokens as well',
      async (init) => {
        const { embedding, model } = await umap(tokens['train']!, { channels: 64, metric, init, workers: false });
        const { trustworthiness } = await compareReduction(tokens['train']!, embedding, {
          channels: 64,
          components: 3,
          metric,
        });
        expect(trustworthiness).toBeGreaterThanOrEqual(expected.umap[metric]!.trust - 0.005);
        const placed = await model.transform(tokens['held_out']!);
        expect(
          heldOutTrust(tokens['train']!, embedding, tokens['held_out']!, placed, 64, metric),
        ).toBeGreaterThanOrEqual(expected.umap[metric]!.held_out_trust_other_seeds_min_median_max[1] - 0.015);
      },
    );
  });

  it('makes the sigmas and rhos of 200 identical tokens', async () => {
    const { engine, plan, settled } = await engineWith(cases['identical_200.x']!, { channels: 64 });
    await engine.write(plan.neighbours, Uint32Array.from(cases['identical_200.indices']!));
    await engine.write(plan.distances, cases['identical_200.distances']!);
    await fuzzySet(engine, plan, settled, {}, 0);
    expect(largest(await engine.read(plan.sigmas, plan.rows), cases['identical_200.sigmas']!)).toBeLessThan(1e-5);
    expect(largest(await engine.read(plan.rhos, plan.rows), cases['identical_200.rhos']!)).toBeLessThan(1e-5);
  });

  it.each(['points_5', 'points_10', 'points_15', 'points_16', 'two_islands', 'zero_vectors'])(
    'gives %s as many edges as umap-learn, and the same weights',
    async (name) => {
      const islands = name === 'two_islands';
      const { model } = await umap(cases[`${name}.x`]!, {
        channels: islands ? 8 : 64,
        metric: islands ? 'euclidean' : 'cosine',
        neighbors: islands ? 10 : 15,
        workers: false,
      });
      expect(model.facts.edges).toBe(expected.umap_cases[name]!.edges);
      const { engine, plan, settled } = await engineWith(cases[`${name}.x`]!, {
        channels: islands ? 8 : 64,
        metric: islands ? 'euclidean' : 'cosine',
        neighbors: model.facts.neighbors,
      });
      await findNeighbours(engine, plan, settled, {});
      const [edges] = await fuzzySet(engine, plan, settled, {}, 0);
      // A zero vector is at distance 1 from all others: which of those are its neighbours is a matter of sorting.
      if (name !== 'zero_vectors')
        expect(largest(await engine.read(plan.rates, edges), cases[`${name}.vals`]!)).toBeLessThan(3e-3);
    },
  );
});

/** `held_out_trust` of the script that made the reference. */
function heldOutTrust(
  a: Float32Array,
  placesA: Float32Array,
  b: Float32Array,
  placesB: Float32Array,
  channels: number,
  metric: 'cosine' | 'euclidean',
  k = 15,
): number {
  const [countA, countB] = [a.length / channels, b.length / channels];
  const length = (x: Float32Array, i: number): number =>
    Math.sqrt(x.subarray(i * channels, (i + 1) * channels).reduce((sum, value) => sum + value * value, 0));
  const near = (x: Float32Array, i: number, y: Float32Array, j: number, width: number, cosine: boolean): number => {
    let [dot, square] = [0, 0];
    for (let c = 0; c < width; c++) {
      dot += x[i * width + c]! * y[j * width + c]!;
      square += (x[i * width + c]! - y[j * width + c]!) ** 2;
    }
    return cosine ? 1 - dot / (length(x, i) * length(y, j)) : square;
  };
  let penalty = 0;
  for (let i = 0; i < countB; i++) {
    const here = Array.from({ length: countA }, (_, j) => near(b, i, a, j, channels, metric === 'cosine'));
    const there = Array.from({ length: countA }, (_, j) => near(placesB, i, placesA, j, 3, false));
    const closest = [...there.keys()].sort((p, q) => there[p]! - there[q]! || p - q).slice(0, k);
    for (const j of closest)
      penalty += Math.max(0, here.filter((d, q) => d < here[j]! || (d === here[j]! && q <= j)).length - k);
  }
  const m = countA + 1;
  return 1 - (2 * penalty) / (countB * k * (2 * m - 3 * k - 1));
}
