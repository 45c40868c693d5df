// A fit, step by step: rows in, neighbours, fuzzy set, start, layout.

import { InputError } from '@deepearth/core/errors';
import { runSliced, type Sliced } from '../shared/pace.ts';
import { seededRandom } from '../shared/seeded.ts';
import type { Engine } from './engine.ts';
import type { Curve } from './curve.ts';
import type { Settled } from './options.ts';
import type { Arithmetic } from './products.ts';
import { checkedRows, type Plan } from './plan.ts';
import { principalStart } from './principal-start.ts';
import { bringBack, type Reaching } from './reach.ts';
import { evenly, step, type Running } from './running.ts';
import { searchWork, type SearchReport } from './search.ts';

/** How neighbours were found. */
export interface SearchFacts {
  /**
   * 8-bit coordinates on 256 axes, 8-bit channels, float32, or sums of differences; exact distances decide among the
   * candidates either way.
   */
  readonly arithmetic: Arithmetic;
  readonly through: 'onnxruntime' | 'wasm';
  /** Share of the true neighbours of some rows that the candidates held; 1 for float32. */
  readonly recall: number;
  /** Why, for people. */
  readonly reason: string;
}

/**
 * Products of that many numbers are cheap: all tokens are compared in float32 and in WebAssembly, with no other library
 * to load and nothing to check.
 */
const fewProducts = 2 ** 27;
const areFew = ({ rows, stride }: Plan): boolean => rows * rows * stride <= fewProducts;

/** Whether products go through ONNX Runtime. */
export const throughOnnx = (plan: Plan, { products, metric }: Settled): boolean =>
  products === 'auto' && metric !== 'manhattan' && !areFew(plan);

/** Least share of neighbours that the int8 search has to find, in the rows that are checked. */
const leastRecall = 0.999;

/**
 * Checks and prepares the rows that stand at `plan.tokens`. `name` tells which token a row is; returns how far they
 * reach.
 */
export async function prepareRows(
  engine: Engine,
  plan: Plan,
  options: Settled,
  running: Running,
  name: (row: number) => number,
): Promise<Reaching> {
  const common = { plan, metric: options.metric };
  const bad = await engine.run('prepare', common, step(running, 'checking', plan.rows));
  refuseBad(bad, name);
  const reaching = await bringBack(engine, plan, options.metric, running);
  await engine.write(plan.picks, reaching.picks);
  await engine.run('mean', { ...common, count: reaching.picks.length }, step(running, 'checking', plan.rows));
  return reaching;
}

/** Brings prepared rows, or queries, into the form in which an arithmetic searches them. */
export async function encodeRows(
  engine: Engine,
  plan: Plan,
  arithmetic: Arithmetic,
  options: Settled,
  running: Running,
  queries?: number,
): Promise<void> {
  const common = { plan, metric: options.metric, ...(queries === undefined ? {} : { queries }) };
  const doing = queries === undefined ? step(running, 'encoding', plan.rows) : { signal: running.signal };
  if (arithmetic === 'axes') {
    if (queries === undefined) await engine.run('makeAxes', { plan }, step(running, 'encoding', 0));
    await engine.run('turn', { ...common, onnx: throughOnnx(plan, options) }, doing);
  } else if (arithmetic !== 'manhattan') {
    await engine.run('quantize', common, doing);
  }
}

/** Throws when a thread met a row with NaN or infinity. */
export function refuseBad(rows: readonly number[], name: (row: number) => number): void {
  const found = rows.filter((row) => row >= 0);
  if (found.length === 0) return;
  throw new InputError('tokens', `token ${name(Math.min(...found))} holds NaN or infinity.`, {
    code: 'E_NOT_FINITE',
    remedy: 'Leave such tokens out, or mark them as not valid.',
  });
}

/** Neighbours of all rows, in `plan.neighbours` and `plan.distances`. */
export async function findNeighbours(
  engine: Engine,
  plan: Plan,
  options: Settled,
  running: Running,
): Promise<SearchFacts> {
  const facts = await chooseSearch(engine, plan, options, running);
  await candidates(engine, plan, facts.arithmetic, options, running);
  await engine.run('rank', { plan, metric: options.metric }, step(running, 'neighbours, exact', plan.rows));
  return facts;
}

/** Runs a search over all rows, or for queries. */
export async function candidates(
  engine: Engine,
  plan: Plan,
  arithmetic: Arithmetic,
  options: Settled,
  running: Running,
  queries?: number,
  name = 'neighbours',
): Promise<SearchReport> {
  await engine.run('clearLimits', { plan, rows: queries ?? plan.rows });
  const reports = await engine.run(
    'search',
    { plan, arithmetic, onnx: throughOnnx(plan, options), ...(queries === undefined ? {} : { queries }) },
    step(running, name, searchWork(plan.rows, queries)),
  );
  return { through: reports[0]!.through, exact: reports.every(({ exact }) => exact) };
}

/**
 * Tries quick searches on a few rows against an exhaustive one, the quickest first: 8-bit coordinates on axes, 8-bit
 * channels; float32 where both miss neighbours, or where 8-bit sums saturate.
 */
async function chooseSearch(engine: Engine, plan: Plan, options: Settled, running: Running): Promise<SearchFacts> {
  const { metric, search } = options;
  const usual = throughOnnx(plan, options) ? 'onnxruntime' : 'wasm';
  if (metric === 'manhattan')
    return { arithmetic: 'manhattan', through: 'wasm', recall: 1, reason: 'sums of differences, exact' };
  const float32 = async (reason: string): Promise<SearchFacts> => {
    await encodeRows(engine, plan, 'float32', options, running);
    return { arithmetic: 'float32', through: usual, recall: 1, reason };
  };
  if (search === 'float32') return float32('asked for');
  if (search === 'auto' && areFew(plan)) return float32('few tokens');
  const picks = evenly(plan.rows, Math.min(checkedRows, Math.max(1, Math.floor(plan.rows / 8))));
  const positions = picks.length * Math.max(1, Math.min(plan.neighbors, plan.rows) - 1);
  const failures: string[] = [];
  for (const arithmetic of search === 'auto' && plan.turned > 0
    ? (['axes', 'int8'] as const)
    : [search === 'auto' ? 'int8' : search]) {
    if (arithmetic === 'axes' && plan.turned === 0)
      throw new RangeError('search is axes, which takes at least 640 channels and 2,048 tokens');
    await encodeRows(engine, plan, arithmetic, options, running);
    await engine.write(plan.picks, picks);
    await engine.run('pick', { plan, count: picks.length });
    const { through, exact } = await candidates(
      engine,
      plan,
      arithmetic,
      options,
      running,
      picks.length,
      'checking the search',
    );
    if (!exact) {
      if (search !== 'auto')
        throw new InputError('umap', `8-bit sums saturate on this machine: search ${search} would miss neighbours.`, {
          remedy: 'Set search: float32, or products: wasm.',
        });
      failures.push('8-bit sums saturate on this machine');
      break;
    }
    const lost = await engine.run(
      'missed',
      { plan, metric, count: picks.length },
      step(running, 'checking the search', picks.length),
    );
    const recall = 1 - lost.reduce((sum, value) => sum + value, 0) / positions;
    if (search !== 'auto') return { arithmetic, through, recall, reason: `asked for; ${picks.length} rows checked` };
    if (recall >= leastRecall)
      return { arithmetic, through, recall, reason: [...failures, `${picks.length} rows checked`].join('; ') };
    failures.push(
      `${arithmetic === 'axes' ? `8 bits on ${plan.turned} axes` : '8 bits'} found ${(recall * 100).toFixed(1)} % of the neighbours of ${picks.length} rows`,
    );
  }
  return float32(failures.join('; '));
}

/**
 * The fuzzy set, in `plan.starts`, `columns` and `rates` (weights until it is scheduled); returns its edges, and those
 * left by pruning for so many epochs (0: not pruned).
 */
export async function fuzzySet(
  engine: Engine,
  plan: Plan,
  options: Settled,
  running: Running,
  epochs: number,
): Promise<readonly [number, number]> {
  const common = { plan, metric: options.metric };
  const doing = step(running, 'fuzzy set', plan.rows);
  const [meanOfAll] = await engine.run('meanDistance', common, doing);
  await engine.run('smooth', { ...common, connectivity: options.localConnectivity, meanOfAll: meanOfAll! }, doing);
  const [edges] = await engine.run('unite', { ...common, mixRatio: options.setOpMixRatio }, doing);
  return [edges!, epochs > 0 ? (await engine.run('schedule', { ...common, epochs }, doing))[0]! : edges!];
}

/** Puts the start into `plan.positions`: each coordinate from 0 to 10, as umap-learn does. */
export async function start(
  engine: Engine,
  plan: Plan,
  options: Settled,
  running: Running,
  { picks, far }: Reaching,
): Promise<void> {
  const random = seededRandom(options.seed, 1);
  if (options.init === 'pca') await principalStart(engine, plan, options, running, picks);
  else if (options.init === 'spectral')
    await engine.run('spectral', { plan, metric: options.metric, seed: options.seed }, step(running, 'start', 0));
  const positions =
    options.init === 'random'
      ? new Float32Array(plan.rows * plan.lanes)
      : await engine.read(plan.positions, plan.rows * plan.lanes);
  if (options.init === 'random') await runSliced(scatter(positions, plan, random), running.signal);
  else {
    if (options.init === 'pca') amongOthers(positions, plan, far);
    await runSliced(loosen(positions, plan, random), running.signal);
  }
  await runSliced(stretch(positions, plan), running.signal);
  await engine.write(plan.positions, positions);
}

/** Rows between two breaths. */
const startRows = 8192;

/** Everything anywhere. */
function* scatter(positions: Float32Array, { rows, lanes, components }: Plan, random: () => number): Sliced<void> {
  for (let i = 0; i < rows; i++) {
    for (let c = 0; c < components; c++) positions[i * lanes + c] = random() * 20 - 10;
    if (i % startRows === 0) yield;
  }
}

/** Far rows start at the edge of where the others do, which they would press into one point. */
function amongOthers(positions: Float32Array, { rows, lanes, components }: Plan, far: readonly number[]): void {
  if (far.length === 0) return;
  const away = new Set(far);
  for (let c = 0; c < components; c++) {
    let [low, high] = [Infinity, -Infinity];
    for (let i = 0; i < rows; i++) {
      if (away.has(i)) continue;
      low = Math.min(low, positions[i * lanes + c]!);
      high = Math.max(high, positions[i * lanes + c]!);
    }
    for (const i of far) positions[i * lanes + c] = Math.min(high, Math.max(low, positions[i * lanes + c]!));
  }
}

/**
 * The largest coordinate becomes 10, and points that coincide are moved apart a little: they could not leave one
 * another otherwise.
 */
function* loosen(positions: Float32Array, { rows, lanes, components }: Plan, random: () => number): Sliced<void> {
  let largest = 0;
  for (let i = 0; i < positions.length; i++) largest = Math.max(largest, Math.abs(positions[i]!));
  const scale = largest > 0 ? 10 / largest : 0;
  for (let i = 0; i < rows; i++) {
    for (let c = 0; c < components; c++)
      positions[i * lanes + c] = positions[i * lanes + c]! * scale + (random() - 0.5) * 3e-4;
    if (i % startRows === 0) yield;
  }
}

/** Each coordinate goes from 0 to 10. */
function* stretch(positions: Float32Array, { lanes, components }: Plan): Sliced<void> {
  for (let c = 0; c < components; c++) {
    let [low, high] = [Infinity, -Infinity];
    for (let at = c; at < positions.length; at += lanes) {
      if (positions[at]! < low) low = positions[at]!;
      if (positions[at]! > high) high = positions[at]!;
    }
    const scale = high > low ? 10 / (high - low) : 0;
    for (let at = c; at < positions.length; at += lanes) positions[at] = (positions[at]! - low) * scale;
    yield;
  }
}

/** Runs the layout; returns where the positions stand. */
export async function layOut(
  engine: Engine,
  plan: Plan,
  options: Settled,
  curve: Curve,
  running: Running,
): Promise<number> {
  const common = { plan, metric: options.metric };
  await engine.run('forces', { ...common, ...curve, repulsion: options.repulsionStrength });
  const [buffer] = await engine.run(
    'layout',
    {
      ...common,
      epochs: options.epochs,
      alpha: options.learningRate,
      negatives: options.negativeSampleRate,
      seed: seedWord(options.seed),
    },
    step(running, 'layout', plan.rows * Math.max(0, options.epochs - 1)),
  );
  return buffer ? plan.nextPositions : plan.positions;
}

/** A seed as 32 bits. */
export const seedWord = (seed: number): number => (seed ^ Math.floor(seed / 2 ** 32)) | 0;
