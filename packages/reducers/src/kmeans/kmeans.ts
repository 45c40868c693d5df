// Groups tokens around means: k-means++ for the start, then mini-batches.

import { InputError } from '@deepearth/core/errors';
import { tensor } from '@deepearth/core/tensor';
import { requireFinite } from '../tokens/finite.ts';
import { rowCount, type FittedReducer, type ModelState, type Progress } from '../models/model.ts';
import { runSliced, type Sliced } from '../shared/pace.ts';
import { seededRandom } from '../shared/seeded.ts';
import { unitRows } from '../shared/unit-rows.ts';

/** Distances that k-means can compare tokens by. */
export const kmeansMetrics = ['cosine', 'euclidean'] as const;

/** Options of `kmeans`. */
export interface KmeansOptions {
  /** Numbers per token. */
  readonly channels: number;
  /** How many groups; 8 by default. */
  readonly clusters?: number;
  /**
   * `cosine` compares directions (rows are made length 1 first), `euclidean` the tokens as they are; cosine unless
   * told.
   */
  readonly metric?: (typeof kmeansMetrics)[number];
  /** Mini-batches at most; 100 by default. It ends before when the groups do not get tighter any more. */
  readonly iterations?: number;
  /** Tokens of a mini-batch; 1,024 by default. */
  readonly batchSize?: number;
  readonly seed?: number;
  readonly signal?: AbortSignal | undefined;
  readonly progress?: Progress | undefined;
}

export interface KmeansModel extends FittedReducer {
  readonly kind: 'kmeans';
  readonly clusters: number;
  /** `[clusters, channels]`; the group with most of the fitted tokens comes first. */
  readonly centers: Float64Array;
  /** Mean squared distance of the fitted tokens to their centers. */
  readonly inertia: number;
}

/** Batches without a new best, smoothed inertia after which a fit ends. */
const patience = 10;

/**
 * Fits to `[tokens, channels]`. Source: Sculley, "Web-scale k-means clustering" (2010); the start by Arthur and
 * Vassilvitskii (2007); a last full round sets the means of all tokens, so that centers do not depend on the last batch
 * alone. Fewer distinct tokens than groups leave groups empty.
 */
export async function kmeans(tokens: Float32Array, options: KmeansOptions): Promise<KmeansModel> {
  const { channels, clusters = 8, metric = 'cosine', signal } = options;
  if (rowCount(tokens, channels) === 0)
    throw new InputError('tokens', 'there are none to group.', { code: 'E_NO_TOKENS' });
  requireFinite(tokens, channels);
  const rows = metric === 'cosine' ? await runSliced(unitRows(tokens, channels), signal) : tokens;
  const { centers, inertia } = await runSliced(fitCenters(rows, { ...options, clusters }), signal);
  return restoreKmeans({
    kind: 'kmeans',
    tensors: { centers: tensor('float64', [clusters, channels], centers) },
    metadata: { metric, inertia },
  });
}

function* fitCenters(
  rows: Float32Array,
  options: KmeansOptions & { clusters: number },
): Sliced<{ centers: Float64Array; inertia: number }> {
  const { channels, clusters, iterations = 100, batchSize = 1024, seed = 42, progress } = options;
  const count = rows.length / channels;
  const random = seededRandom(seed, 11);
  const centers = yield* spreadStart(rows, channels, clusters, random);
  const weights = new Float64Array(clusters);
  const batch = Math.min(batchSize, count);
  const several = rowsAtOnce(channels, clusters);
  let smoothed = Infinity;
  let best = Infinity;
  let since = 0;
  for (let round = 0; round < iterations && since < patience; round++) {
    let inertia = 0;
    for (let i = 0; i < batch; i++) {
      const row = Math.floor(random() * count);
      const { label, distance } = nearest(rows, row * channels, centers, channels, clusters);
      inertia += distance;
      const rate = 1 / ++weights[label]!;
      for (let j = 0; j < channels; j++)
        centers[label * channels + j]! += rate * (rows[row * channels + j]! - centers[label * channels + j]!);
      if (i % several === 0) yield;
    }
    const former = smoothed;
    smoothed = former === Infinity ? inertia : former * 0.7 + inertia * 0.3;
    since = smoothed < best * (1 - 1e-4) ? 0 : since + 1;
    best = Math.min(best, smoothed);
    progress?.('batches', round + 1, iterations);
  }
  return yield* settle(rows, channels, clusters, centers);
}

/**
 * k-means++: each further start is drawn with a chance proportional to its squared distance from the nearest one so
 * far.
 */
function* spreadStart(
  rows: Float32Array,
  channels: number,
  clusters: number,
  random: () => number,
): Sliced<Float64Array> {
  const count = rows.length / channels;
  const centers = new Float64Array(clusters * channels);
  const distances = new Float64Array(count).fill(Infinity);
  let chosen = Math.floor(random() * count);
  for (let k = 0; k < clusters; k++) {
    const center = Float64Array.from(rows.subarray(chosen * channels, (chosen + 1) * channels));
    centers.set(center, k * channels);
    let total = 0;
    for (let row = 0; row < count; row++) {
      distances[row] = Math.min(distances[row]!, squaredDistance(rows, row * channels, center, 0, channels));
      total += distances[row]!;
      if (row % 512 === 511) yield;
    }
    let draw = random() * total;
    chosen = 0;
    while (chosen < count - 1 && (draw -= distances[chosen]!) >= 0) chosen++;
  }
  return centers;
}

/** Two full rounds: means of all tokens of each group; then the largest group first. */
function* settle(
  rows: Float32Array,
  channels: number,
  clusters: number,
  centers: Float64Array,
): Sliced<{ centers: Float64Array; inertia: number }> {
  const count = rows.length / channels;
  const sizes = new Float64Array(clusters);
  const several = rowsAtOnce(channels, clusters);
  let inertia = 0;
  for (let round = 0; round < 2; round++) {
    const sums = new Float64Array(clusters * channels);
    sizes.fill(0);
    inertia = 0;
    for (let row = 0; row < count; row++) {
      const { label, distance } = nearest(rows, row * channels, centers, channels, clusters);
      inertia += distance;
      sizes[label]!++;
      for (let j = 0; j < channels; j++) sums[label * channels + j]! += rows[row * channels + j]!;
      if (row % several === 0) yield;
    }
    for (let k = 0; k < clusters; k++)
      if (sizes[k]! > 0)
        for (let j = 0; j < channels; j++) centers[k * channels + j] = sums[k * channels + j]! / sizes[k]!;
  }
  const order = [...sizes.keys()].sort((a, b) => sizes[b]! - sizes[a]! || a - b);
  const sorted = new Float64Array(centers.length);
  order.forEach((from, to) => sorted.set(centers.subarray(from * channels, (from + 1) * channels), to * channels));
  return { centers: sorted, inertia: inertia / count };
}

/** Rows that are compared with all centers in a few milliseconds. */
const rowsAtOnce = (channels: number, clusters: number): number => Math.max(1, Math.floor(2e6 / (channels * clusters)));

function nearest(
  rows: Float32Array,
  at: number,
  centers: Float64Array,
  channels: number,
  clusters: number,
): { label: number; distance: number } {
  let label = 0;
  let distance = Infinity;
  for (let k = 0; k < clusters; k++) {
    const here = squaredDistance(rows, at, centers, k * channels, channels);
    if (here < distance) [label, distance] = [k, here];
  }
  return { label, distance };
}

function squaredDistance(
  rows: Float32Array,
  at: number,
  centers: Float64Array,
  from: number,
  channels: number,
): number {
  let even = 0;
  let odd = 0;
  let j = 0;
  for (; j + 1 < channels; j += 2) {
    const a = rows[at + j]! - centers[from + j]!;
    const b = rows[at + j + 1]! - centers[from + j + 1]!;
    even += a * a;
    odd += b * b;
  }
  if (j < channels) even += (rows[at + j]! - centers[from + j]!) ** 2;
  return even + odd;
}

/** The groups of a saved state. Throws an `InputError` when it is not whole. */
export function restoreKmeans(state: ModelState, subject = 'the k-means model'): KmeansModel {
  const { centers: stored } = state.tensors;
  const { metric, inertia } = state.metadata;
  const [clusters, channels] = stored?.shape ?? [];
  if (
    stored?.dtype !== 'float64' ||
    clusters === undefined ||
    channels === undefined ||
    (metric !== 'cosine' && metric !== 'euclidean') ||
    typeof inertia !== 'number'
  ) {
    throw new InputError(
      subject,
      'is no whole k-means model: centers (float64), metric and inertia have to be there.',
      {
        code: 'E_REDUCER_FILE',
      },
    );
  }
  const centers = stored.data as Float64Array;
  const labelled = function* (chunk: Float32Array): Sliced<Float32Array> {
    const rows = metric === 'cosine' ? yield* unitRows(chunk, channels) : chunk;
    const several = rowsAtOnce(channels, clusters);
    const out = new Float32Array(rows.length / channels);
    for (let row = 0; row < out.length; row++) {
      out[row] = nearest(rows, row * channels, centers, channels, clusters).label;
      if (row % several === 0) yield;
    }
    return out;
  };
  return {
    kind: 'kmeans',
    channels,
    components: 1,
    meaning: 'label',
    limits: [[0, clusters - 1]],
    clusters,
    centers,
    inertia,
    async transform(chunk, signal) {
      rowCount(chunk, channels);
      requireFinite(chunk, channels);
      return runSliced(labelled(chunk), signal);
    },
    state: () => state,
  };
}
