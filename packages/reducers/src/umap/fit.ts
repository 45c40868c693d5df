// A fit, step by step: rows in, neighbours, fuzzy set, start, layout.

import { InputError } from '@deepearth/core/errors';
import { seededRandom } from '../seeded.ts';
import type { Engine } from './engine.ts';
import type { Curve } from './curve.ts';
import type { Settled } from './options.ts';
import { axisRows, checkedRows, type Plan } from './plan.ts';
import { principalStart } from './principal-start.ts';
import { evenly, step, type Running } from './running.ts';
import { searchWork, type SearchReport } from './search.ts';

/** How neighbours were found. */
export interface SearchFacts {
  readonly arithmetic: 'int8' | 'float32' | 'manhattan';
  readonly through: 'onnxruntime' | 'wasm';
  /** Share of the true neighbours of some rows that int8 candidates held; 1 for float32. */
  readonly recall: number;
  /** Why, for people. */
  readonly reason: string;
}

/** Least share of neighbours that the int8 search has to find, in the rows that are checked. */
const leastRecall = 0.999;

/** Checks and prepares the rows that stand at `plan.tokens`, and their 8-bit form. `name` tells which token a row is. */
export async function prepareRows(engine: Engine, plan: Plan, options: Settled, running: Running, name: (row: number) => number): Promise<void> {
  const common = { plan, metric: options.metric };
  const bad = await engine.run('prepare', common, step(running, 'checking', plan.rows));
  refuseBad(bad, name);
  const picks = evenly(plan.rows, axisRows);
  await engine.write(plan.picks, picks);
  await engine.run('mean', { ...common, count: picks.length }, step(running, 'checking', plan.rows));
  await engine.run('quantize', common, step(running, 'checking', plan.rows));
}

/** Throws when a thread met a row with NaN or infinity. */
export function refuseBad(rows: readonly number[], name: (row: number) => number): void {
  const found = rows.filter((row) => row >= 0);
  if (found.length === 0) return;
  throw new InputError('tokens', `token ${name(Math.min(...found))} holds NaN or infinity.`, { code: 'E_NOT_FINITE', remedy: 'Leave such tokens out, or mark them as not valid.' });
}

/** Neighbours of all rows, in `plan.neighbours` and `plan.distances`. */
export async function findNeighbours(engine: Engine, plan: Plan, options: Settled, running: Running): Promise<SearchFacts> {
  const facts = await chooseSearch(engine, plan, options, running);
  const common = { plan, metric: options.metric };
  await engine.run('search', { plan, arithmetic: facts.arithmetic, onnx: options.products === 'auto' }, step(running, 'neighbours', searchWork(plan.rows)));
  await engine.run('rank', common, step(running, 'neighbours, exact', plan.rows));
  return facts;
}

/** Tries the int8 search on a few rows against an exhaustive one; float32 where it misses any, or where its sums saturate. */
async function chooseSearch(engine: Engine, plan: Plan, options: Settled, running: Running): Promise<SearchFacts> {
  const onnx = options.products === 'auto';
  if (options.metric === 'manhattan') return { arithmetic: 'manhattan', through: 'wasm', recall: 1, reason: 'sums of differences, exact' };
  if (options.search === 'float32') return { arithmetic: 'float32', through: onnx ? 'onnxruntime' : 'wasm', recall: 1, reason: 'asked for' };
  // Few rows: their candidates are nearly all rows, there is nothing to check.
  const picks = evenly(plan.rows, Math.min(checkedRows, Math.max(1, Math.floor(plan.rows / 8))));
  await copyRows(engine, plan, picks);
  const reports: SearchReport[] = await engine.run('search', { plan, arithmetic: 'int8', onnx, queries: picks.length }, step(running, 'checking int8', searchWork(plan.rows, picks.length)));
  const through = reports[0]!.through;
  if (reports.some(({ exact }) => !exact)) {
    if (options.search === 'int8') return { arithmetic: 'int8', through, recall: NaN, reason: 'asked for, although int8 sums saturate on this machine' };
    return { arithmetic: 'float32', through, recall: 1, reason: 'int8 sums saturate on this machine' };
  }
  await engine.write(plan.picks, picks);
  const lost = await engine.run('missed', { plan, metric: options.metric, count: picks.length }, step(running, 'checking int8', picks.length));
  const recall = 1 - lost.reduce((sum, value) => sum + value, 0) / (picks.length * Math.max(1, Math.min(plan.neighbors, plan.rows) - 1));
  const rows = `${picks.length} rows checked`;
  if (options.search === 'int8') return { arithmetic: 'int8', through, recall, reason: `asked for; ${rows}` };
  return recall >= leastRecall ? { arithmetic: 'int8', through, recall, reason: rows } : { arithmetic: 'float32', through, recall, reason: `int8 found ${(recall * 100).toFixed(1)} % of the neighbours in ${rows}` };
}

/** The rows at `picks` as queries. */
async function copyRows(engine: Engine, plan: Plan, picks: Uint32Array): Promise<void> {
  await engine.write(plan.picks, picks);
  await engine.run('pick', { plan, count: picks.length });
}

/** The fuzzy set, in `plan.starts`, `columns` and `rates` (weights until it is scheduled); answers its edges, and those left by pruning for so many epochs (0: not pruned). */
export async function fuzzySet(engine: Engine, plan: Plan, options: Settled, running: Running, epochs: number): Promise<readonly [number, number]> {
  const common = { plan, metric: options.metric };
  const doing = step(running, 'fuzzy set', plan.rows);
  const [meanOfAll] = await engine.run('meanDistance', common, doing);
  await engine.run('smooth', { ...common, connectivity: options.localConnectivity, meanOfAll: meanOfAll! }, doing);
  const [edges] = await engine.run('unite', { ...common, mixRatio: options.setOpMixRatio }, doing);
  return [edges!, epochs > 0 ? (await engine.run('schedule', { ...common, epochs }, doing))[0]! : edges!];
}

/** Puts the start into `plan.positions`: each coordinate from 0 to 10, as umap-learn does. */
export async function start(engine: Engine, plan: Plan, options: Settled, running: Running): Promise<void> {
  const { rows, lanes, components } = plan;
  const random = seededRandom(options.seed, 1);
  let positions: Float32Array;
  if (options.init === 'random') {
    positions = new Float32Array(rows * lanes);
    for (let i = 0; i < rows; i++) for (let c = 0; c < components; c++) positions[i * lanes + c] = random() * 20 - 10;
  } else {
    if (options.init === 'pca') await principalStart(engine, plan, options, running);
    else await engine.run('spectral', { plan, metric: options.metric, seed: options.seed }, step(running, 'start', 0));
    positions = await engine.read(plan.positions, rows * lanes);
    let largest = 0;
    for (let i = 0; i < positions.length; i++) largest = Math.max(largest, Math.abs(positions[i]!));
    const scale = largest > 0 ? 10 / largest : 0;
    // Points that coincide could not leave one another without some noise.
    for (let i = 0; i < rows; i++) for (let c = 0; c < components; c++) positions[i * lanes + c] = positions[i * lanes + c]! * scale + (random() - 0.5) * 3e-4;
  }
  for (let c = 0; c < components; c++) {
    let [low, high] = [Infinity, -Infinity];
    for (let at = c; at < positions.length; at += lanes) {
      if (positions[at]! < low) low = positions[at]!;
      if (positions[at]! > high) high = positions[at]!;
    }
    const scale = high > low ? 10 / (high - low) : 0;
    for (let at = c; at < positions.length; at += lanes) positions[at] = (positions[at]! - low) * scale;
  }
  await engine.write(plan.positions, positions);
}

/** Runs the layout; answers where the positions stand. */
export async function layOut(engine: Engine, plan: Plan, options: Settled, curve: Curve, running: Running): Promise<number> {
  const common = { plan, metric: options.metric };
  await engine.run('forces', { ...common, ...curve, repulsion: options.repulsionStrength });
  const [buffer] = await engine.run(
    'layout',
    { ...common, epochs: options.epochs, alpha: options.learningRate, negatives: options.negativeSampleRate, seed: seedWord(options.seed) },
    step(running, 'layout', plan.rows * Math.max(0, options.epochs - 1)),
  );
  return buffer ? plan.nextPositions : plan.positions;
}

/** A seed as 32 bits. */
export const seedWord = (seed: number): number => (seed ^ Math.floor(seed / 2 ** 32)) | 0;
