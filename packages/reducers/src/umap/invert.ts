// The way back: tokens at given places of the layout, as means of the tokens that were fitted nearby.

import type { JobContext, Job } from './context.ts';
import type { Plan } from './plan.ts';
import { overRows } from './rows-in-tasks.ts';

export interface InvertParams {
  readonly plan: Plan;
  /** Places, at `plan.queryPositions`. */
  readonly queries: number;
  readonly connectivity: number;
  /** Where the fitted positions stand. */
  readonly embedding: number;
}

/**
 * Writes the tokens of the places into the query area: the nearest fitted tokens, weighted by the memberships that
 * their distances in the layout give.
 */
export async function* invert(
  context: JobContext,
  { plan, queries, connectivity, embedding }: InvertParams,
): Job<void> {
  const { main } = context;
  const { rows, channels, stride, lanes, neighbors: k } = plan;
  const { buffer } = main.memory;
  const lengths = new Float32Array(buffer, plan.lengths, rows);
  const means = new Float32Array(buffer, plan.means, rows);
  const target = Math.log2(k);
  yield* overRows(context, queries, (from, to) => {
    for (let i = from; i < to; i++) {
      const near = new Uint32Array(buffer, plan.queryNeighbours + i * k * 4, k);
      const weights = new Float32Array(buffer, plan.queryWeights + i * k * 4, k);
      const distances = plan.queryDistances + i * k * 4;
      main.nearestPlaces(plan.queryPositions + i * lanes * 4, embedding, lanes, rows, k, near.byteOffset, distances);
      const mean = main.meanDistance(distances, k);
      main.smoothRow(
        distances,
        near.byteOffset,
        k,
        target,
        connectivity,
        mean,
        -1,
        plan.queryRhos + i * 4,
        plan.querySigmas + i * 4,
        weights.byteOffset,
      );
      const total = weights.reduce((all, weight) => all + weight, 0);
      const out = plan.queries + i * stride * 4;
      const values = new Float32Array(buffer, out, channels).fill(0);
      let shift = 0;
      for (let j = 0; j < k; j++) {
        const row = near[j]!;
        const share = total > 0 ? weights[j]! / total : 1 / k;
        shift += share * means[row]!;
        weights[j] = share * lengths[row]!;
        main.spreadRow(plan.tokens + row * stride * 4, weights.byteOffset + j * 4, stride, 1, out);
      }
      if (shift !== 0) for (let c = 0; c < channels; c++) values[c]! += shift;
    }
  });
}
