// Rows far from all others (a fill value among tokens), and numbers too large or too small for squares in float32.

import type { Engine } from './engine.ts';
import { axisRows, preparations, type Metric, type Plan } from './plan.ts';
import type { Reach } from './reach-jobs.ts';
import { evenly, step, type Running } from './running.ts';

/** Rows that are fitted: how far they reach, and which of them. */
export interface Reaching {
  readonly reach: Reach;
  /** Whether any row had to be brought back. */
  readonly far: readonly number[];
  /** Rows for means and axes: evenly spread over those that are not far. */
  readonly picks: Uint32Array;
}

/**
 * A row is far when its largest number is so many times that of the median row. The mean of all rows, which products in
 * float32 are about, then moves by more than the rows differ; and no row that is not far has one for a neighbour,
 * however far it is.
 */
const farTimes = 1000;
/** Powers of 2 between which the median row's largest number is ordinary: squares of far rows still fit float32. */
const ordinary = 40;

/** Whether rows of a metric are compared as they are; the others have length 1, and none is far. */
export const isReached = (metric: Metric): boolean => preparations[metric] === 0;

/** Finds far rows among the prepared ones and brings them back; `lengths` say by how much. */
export async function bringBack(engine: Engine, plan: Plan, metric: Metric, running: Running): Promise<Reaching> {
  const { rows } = plan;
  if (!isReached(metric)) return { reach: { limit: Infinity, scale: 1 }, far: [], picks: evenly(rows, axisRows) };
  // Rows of a saved model have been brought back before: times their lengths they are what they were.
  const doing = step(running, 'checking', rows);
  await engine.run('largest', { plan }, doing);
  const lengths = await engine.read(plan.lengths, rows);
  const largest = (await engine.read(plan.rhos, rows)).map((value, row) => value * lengths[row]!);
  const reach = reachOf(largest);
  const far: number[] = [];
  const near: number[] = [];
  largest.forEach((value, row) => (value > reach.limit ? far : near).push(row));
  if ((far.length > 0 || reach.scale !== 1) && lengths.every((length) => length === 1))
    await engine.run('withinReach', { plan, reach }, doing);
  return { reach, far, picks: evenly(near.length, axisRows).map((at) => near[at]!) };
}

/** The reach of rows by the largest number of each. */
function reachOf(largest: Float32Array): Reach {
  const sorted = largest.filter((value) => value > 0).sort();
  const median = sorted[sorted.length >> 1] ?? 0;
  const exponent = median > 0 ? Math.floor(Math.log2(median)) : 0;
  return {
    limit: median > 0 ? median * farTimes : Infinity,
    scale: Math.abs(exponent) > ordinary ? 2 ** -exponent : 1,
  };
}
