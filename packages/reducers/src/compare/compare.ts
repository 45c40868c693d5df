// How well a reduction kept what was near near: trustworthiness, continuity, overlap of neighbours, rank correlation of
// distances.

import { InputError } from '@deepearth/core/errors';
import { requireFinite } from '../tokens/finite.ts';
import { rowCount, type Progress } from '../models/model.ts';
import { runSliced, type Sliced } from '../shared/pace.ts';
import { seededRandom } from '../shared/seeded.ts';
import { firstFree, memoryOf, startKernel, type Kernel } from '../umap/kernel.ts';
import { preparations, type Metric } from '../umap/plan.ts';

/** Sizes of what is compared, and how many tokens and pairs are drawn for it. */
export interface CompareOptions {
  /** Numbers per token. */
  readonly channels: number;
  /** Numbers per token of the reduction. */
  readonly components: number;
  /** Distance between tokens; cosine. Distances in the reduction are euclidean. */
  readonly metric?: Metric;
  /** Size of the neighbourhoods; 15. Less than half of the tokens compared. */
  readonly neighbors?: number;
  /** At most this many tokens are compared, drawn by the seed; 4,000. */
  readonly sample?: number;
  /** Pairs whose distances are correlated; 20,000. */
  readonly pairs?: number;
  readonly seed?: number;
  readonly signal?: AbortSignal | undefined;
  readonly progress?: Progress | undefined;
}

/** How well a reduction kept distances and neighbours; 1 is the best of each figure. */
export interface Comparison {
  /**
   * 1 when the neighbours in the reduction are neighbours among the tokens (Venna and Kaski 2001; as scikit-learn
   * computes it).
   */
  readonly trustworthiness: number;
  /** 1 when the neighbours among the tokens are neighbours in the reduction: trustworthiness the other way round. */
  readonly continuity: number;
  /** Mean share of a token's neighbours that are the same in both. */
  readonly neighborOverlap: number;
  /** Spearman's correlation of distances between random pairs: is what is far apart still far apart? */
  readonly distanceCorrelation: number;
  /** Tokens that were compared. */
  readonly tokens: number;
  readonly neighbors: number;
}

/**
 * Judges one reduction `[tokens, components]` of `[tokens, channels]`. Works beside the caller in slices of some
 * milliseconds. Throws an `InputError` when the two have not as many rows, when there are too few of them, and for NaN
 * or infinity.
 */
export async function compareReduction(
  tokens: Float32Array,
  reduction: Float32Array,
  options: CompareOptions,
): Promise<Comparison> {
  const {
    channels,
    components,
    metric = 'cosine',
    neighbors = 15,
    sample = 4000,
    pairs = 20_000,
    seed = 0,
    signal,
    progress,
  } = options;
  const count = rowCount(tokens, channels);
  const reduced = rowCount(reduction, components, 'reduction');
  if (count !== reduced) throw new InputError('reduction', `has ${reduced} rows for ${count} tokens.`);
  const chosen = choose(count, sample, seed);
  if (chosen.length < 2 * neighbors + 1)
    throw new InputError('tokens', `${chosen.length} are too few to compare neighbourhoods of ${neighbors}.`, {
      remedy: `At least ${2 * neighbors + 1} are needed.`,
    });
  const stride = Math.ceil((channels + 1) / 16) * 16;
  const { rowsAt, partAt, outAt, end } = places(chosen.length, stride);
  const kernel = await startKernel(memoryOf(end, false));
  const values = new Float32Array(kernel.memory.buffer);
  const reducedRows = new Float32Array(chosen.length * components);
  const prepare = function* (): Sliced<void> {
    for (const [i, row] of chosen.entries()) {
      values.set(tokens.subarray(row * channels, (row + 1) * channels), rowsAt / 4 + i * stride);
      if (kernel.prepareRow(rowsAt + i * stride * 4, channels, preparations[metric], 0, 0)) {
        throw new InputError('tokens', `token ${row} holds NaN or infinity.`, {
          code: 'E_NOT_FINITE',
          remedy: 'Leave such tokens out, or mark them as not valid.',
        });
      }
      reducedRows.set(reduction.subarray(row * components, (row + 1) * components), i * components);
      if (i % 256 === 255) yield;
    }
  };
  await runSliced(prepare(), signal);
  requireFinite(reducedRows, components, 'reduction');
  const norms =
    metric === 'euclidean'
      ? await runSliced(squares(values.subarray(rowsAt / 4), chosen.length, stride), signal)
      : undefined;
  const spaces: Spaces = {
    kernel,
    metric,
    stride,
    count: chosen.length,
    rowsAt,
    partAt,
    outAt,
    places: reducedRows,
    components,
    norms,
  };
  const work = judge(spaces, neighbors, pairs, seed, (done) => progress?.('comparing', done, chosen.length));
  return { ...(await runSliced(work, signal)), tokens: chosen.length, neighbors };
}

/** Rows whose distances to all others are computed at once. */
const blockRows = 16;

interface Spaces {
  readonly kernel: Kernel;
  readonly metric: Metric;
  readonly stride: number;
  readonly count: number;
  readonly rowsAt: number;
  readonly partAt: number;
  readonly outAt: number;
  readonly places: Float32Array;
  readonly components: number;
  /** Squared lengths of the tokens, where distances need them. */
  readonly norms: Float64Array | undefined;
}

const upTo = (value: number, step: number): number => Math.ceil(value / step) * step;

function places(count: number, stride: number): { rowsAt: number; partAt: number; outAt: number; end: number } {
  const rowsAt = firstFree;
  const partAt = rowsAt + upTo(count, 16) * stride * 4;
  const outAt = partAt + blockRows * stride * 4;
  return { rowsAt, partAt, outAt, end: outAt + blockRows * upTo(count, 16) * 4 };
}

function choose(count: number, sample: number, seed: number): Uint32Array {
  if (count <= sample) return Uint32Array.from({ length: count }, (_, i) => i);
  const random = seededRandom(seed);
  return Uint32Array.from({ length: sample }, (_, i) => {
    const first = Math.floor((i * count) / sample);
    return first + Math.floor(random() * (Math.floor(((i + 1) * count) / sample) - first));
  });
}

function* judge(
  spaces: Spaces,
  k: number,
  pairs: number,
  seed: number,
  report: (done: number) => void,
): Sliced<Omit<Comparison, 'tokens' | 'neighbors'>> {
  const { count } = spaces;
  const near = new Float64Array(count);
  const there = new Float64Array(count);
  let [trust, continuity, common] = [0, 0, 0];
  const perRow = Math.ceil(pairs / count);
  const distancesHere = new Float64Array(perRow * count);
  const distancesThere = new Float64Array(perRow * count);
  const random = seededRandom(seed, 1);
  const [nearest, nearestThere] = [new Uint32Array(k), new Uint32Array(k)];
  for (let first = 0; first < count; first += blockRows) {
    const rows = yield* tokenDistances(spaces, first);
    for (let i = first; i < Math.min(count, first + blockRows); i++) {
      rows(i - first, near);
      reducedDistances(spaces, i, there);
      near[i] = there[i] = Infinity;
      smallest(near, nearest);
      smallest(there, nearestThere);
      for (let a = 0; a < k; a++) {
        trust += Math.max(0, rankOf(near, nearestThere[a]!) - k);
        continuity += Math.max(0, rankOf(there, nearest[a]!) - k);
        if (nearestThere.includes(nearest[a]!)) common++;
      }
      for (let p = 0; p < perRow; p++) {
        const other = (i + 1 + Math.floor(random() * (count - 1))) % count;
        distancesHere[i * perRow + p] = near[other]!;
        distancesThere[i * perRow + p] = there[other]!;
      }
      yield;
    }
    report(Math.min(count, first + blockRows));
  }
  const scale = 2 / (count * k * (2 * count - 3 * k - 1));
  const ranks = [distancesHere, distancesThere].map(averageRanks);
  yield;
  return {
    trustworthiness: 1 - trust * scale,
    continuity: 1 - continuity * scale,
    neighborOverlap: common / (count * k),
    distanceCorrelation: correlation(ranks[0]!, ranks[1]!),
  };
}

/** Distances of a block of tokens to all others, up to a growing function of them: what ranks need. */
function* tokenDistances(
  { kernel, metric, stride, count, rowsAt, partAt, outAt, norms }: Spaces,
  first: number,
): Sliced<(row: number, out: Float64Array) => void> {
  const buffer = kernel.memory.buffer;
  const rows = Math.min(blockRows, count - first);
  const columns = upTo(count, 16);
  const part = new Float32Array(buffer, partAt, blockRows * stride);
  part.set(new Float32Array(buffer, rowsAt + first * stride * 4, rows * stride));
  part.fill(0, rows * stride);
  const multiply = metric === 'manhattan' ? kernel.multiplyManhattan : kernel.multiplyFloat;
  for (let from = 0; from < columns; from += 512) {
    multiply(partAt, rowsAt, outAt, blockRows, columns, stride, from, Math.min(columns, from + 512));
    yield;
  }
  const products = new Float32Array(buffer, outAt, blockRows * columns);
  return (row, out) => {
    const at = row * columns;
    if (norms) for (let j = 0; j < count; j++) out[j] = norms[first + row]! + norms[j]! - 2 * products[at + j]!;
    else for (let j = 0; j < count; j++) out[j] = -products[at + j]!;
  };
}

function* squares(rows: Float32Array, count: number, stride: number): Sliced<Float64Array> {
  const out = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    for (let at = i * stride; at < (i + 1) * stride; at++) out[i]! += rows[at]! * rows[at]!;
    if (i % 256 === 255) yield;
  }
  return out;
}

function reducedDistances({ places: at, components, count }: Spaces, i: number, out: Float64Array): void {
  for (let j = 0; j < count; j++) {
    let sum = 0;
    for (let c = 0; c < components; c++) sum += (at[i * components + c]! - at[j * components + c]!) ** 2;
    out[j] = sum;
  }
}

/** Indices of the smallest values, ties to the lower index. */
function smallest(values: Float64Array, out: Uint32Array): void {
  const k = out.length;
  let filled = 0;
  for (let j = 0; j < values.length; j++) {
    const value = values[j]!;
    if (filled === k && value >= values[out[k - 1]!]!) continue;
    let at = filled < k ? filled++ : k - 1;
    for (; at > 0 && values[out[at - 1]!]! > value; at--) out[at] = out[at - 1]!;
    out[at] = j;
  }
}

/** The rank of one value among all, from 1; equal values by index. */
function rankOf(values: Float64Array, index: number): number {
  const value = values[index]!;
  let rank = 1;
  for (let j = 0; j < index; j++) if (values[j]! <= value) rank++;
  for (let j = index + 1; j < values.length; j++) if (values[j]! < value) rank++;
  return rank;
}

/** Ranks from 1, equal values share their mean rank. */
function averageRanks(values: Float64Array): Float64Array {
  const order = Uint32Array.from(values.keys()).sort((a, b) => values[a]! - values[b]! || a - b);
  const ranks = new Float64Array(values.length);
  for (let from = 0; from < order.length;) {
    let to = from + 1;
    while (to < order.length && values[order[to]!] === values[order[from]!]) to++;
    for (let i = from; i < to; i++) ranks[order[i]!] = (from + to + 1) / 2;
    from = to;
  }
  return ranks;
}

/** Pearson's correlation; 0 where one side does not vary. */
function correlation(a: Float64Array, b: Float64Array): number {
  const mean = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [ma, mb] = [mean(a), mean(b)];
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    ab += (a[i]! - ma) * (b[i]! - mb);
    aa += (a[i]! - ma) ** 2;
    bb += (b[i]! - mb) ** 2;
  }
  return aa > 0 && bb > 0 ? ab / Math.sqrt(aa * bb) : 0;
}
