// Jobs that measure how far rows reach and bring far ones back.

import type { JobContext, Job } from './context.ts';
import type { Plan } from './plan.ts';
import { overRows } from './rows-in-tasks.ts';

/** How far rows may reach, where tokens are compared as they are (euclidean, manhattan). */
export interface Reach {
  /** Rows with a larger number than this are brought back to it, along their direction. */
  readonly limit: number;
  /** What all rows are multiplied by: a power of 2, 1 for ordinary numbers. */
  readonly scale: number;
}

/** Largest magnitude of each row, to `plan.rhos`, which nothing needs yet. */
export async function* largest(context: JobContext, { plan }: { readonly plan: Plan }): Job<void> {
  const { buffer } = context.main.memory;
  const out = new Float32Array(buffer, plan.rhos, plan.rows);
  yield* overRows(context, plan.rows, (from, to) => {
    for (let i = from; i < to; i++)
      out[i] = largestOf(new Float32Array(buffer, plan.tokens + i * plan.stride * 4, plan.channels));
  });
}

/** Brings fitted rows, or queries, within reach; their lengths bring them to where they were. */
export async function* withinReach(
  context: JobContext,
  { plan, reach: { limit, scale }, queries }: { readonly plan: Plan; readonly reach: Reach; readonly queries?: number },
): Job<void> {
  const { buffer } = context.main.memory;
  const own = queries === undefined;
  const count = queries ?? plan.rows;
  const lengths = new Float32Array(buffer, own ? plan.lengths : plan.queryLengths, count);
  const base = own ? plan.tokens : plan.queries;
  yield* overRows(context, count, (from, to) => {
    for (let i = from; i < to; i++) {
      const row = new Float32Array(buffer, base + i * plan.stride * 4, plan.channels);
      const peak = largestOf(row);
      const factor = (peak > limit ? limit / peak : 1) * scale;
      if (factor === 1) continue;
      for (let c = 0; c < row.length; c++) row[c]! *= factor;
      lengths[i] = 1 / factor;
    }
  });
}

function largestOf(row: Float32Array): number {
  let most = 0;
  for (let c = 0; c < row.length; c++) {
    const value = Math.abs(row[c]!);
    if (value > most) most = value;
  }
  return most;
}
