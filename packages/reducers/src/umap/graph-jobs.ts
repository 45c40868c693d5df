// Jobs on the graph of neighbours: memberships, union, schedule, layout, and places of new tokens.

import type { JobContext, Job } from './context.ts';
import { overRows, type Common } from './rows-in-tasks.ts';

/** Mean of all distances, needed before memberships. */
export async function* meanDistance({ index, main }: JobContext, { plan }: Common): Job<number> {
  yield 0;
  return index === 0 ? main.meanDistance(plan.distances, plan.rows * plan.neighbors) : 0;
}

export async function* smooth(
  context: JobContext,
  { plan, connectivity, meanOfAll }: Common & { readonly connectivity: number; readonly meanOfAll: number },
): Job<void> {
  const { main } = context;
  const k = plan.neighbors;
  const target = Math.log2(k);
  yield* overRows(context, plan.rows, (from, to) => {
    for (let i = from; i < to; i++) {
      main.smoothRow(
        plan.distances + i * k * 4,
        plan.neighbours + i * k * 4,
        k,
        target,
        connectivity,
        meanOfAll,
        i,
        plan.rhos + i * 4,
        plan.sigmas + i * 4,
        plan.weights + i * k * 4,
      );
    }
  });
}

/** The fuzzy union; returns its number of edges, each counted in both directions. */
export async function* unite(
  { index, main }: JobContext,
  { plan, mixRatio }: Common & { readonly mixRatio: number },
): Job<number> {
  yield 0;
  if (index !== 0) return 0;
  return main.unite(
    plan.neighbours,
    plan.weights,
    plan.rows,
    plan.neighbors,
    mixRatio,
    plan.incoming,
    plan.from,
    plan.strength,
    plan.starts,
    plan.columns,
    plan.rates,
  );
}

/** Prunes and schedules what `unite` left whole. */
export async function* schedule(
  { index, main }: JobContext,
  { plan, epochs }: Common & { readonly epochs: number },
): Job<number> {
  yield 0;
  return index === 0 ? main.schedule(plan.starts, plan.columns, plan.rates, plan.rows, epochs) : 0;
}

export async function* forces(
  { index, main }: JobContext,
  { plan, a, b, repulsion }: Common & { readonly a: number; readonly b: number; readonly repulsion: number },
): Job<void> {
  if (index === 0) main.fillForces(plan.forces, a, b, repulsion);
  yield 0;
}

export interface LayoutParams extends Common {
  readonly epochs: number;
  readonly alpha: number;
  readonly negatives: number;
  readonly seed: number;
}

/** Points of one task of the layout. */
const taskPoints = 512;

/**
 * The layout. A task is a range of points in one epoch; it reads the positions of the former epoch and writes its own
 * into the other buffer, so which thread takes it, and when, changes nothing. An epoch starts when the former one is
 * done. Returns the buffer (0 or 1) that holds the result.
 */
export async function* layout(
  context: JobContext,
  { plan, epochs, alpha, negatives, seed }: LayoutParams,
): Job<number> {
  const { main } = context;
  const { rows, lanes } = plan;
  const perEpoch = Math.ceil(rows / taskPoints);
  const buffers = [plan.positions, plan.nextPositions] as const;
  // As in umap-learn nothing is due in epoch 0, and epochs 0 and 1 have the full step.
  const total = Math.max(0, epochs - 1) * perEpoch;
  for (let task = context.take(); task < total; task = context.take()) {
    const turn = Math.floor(task / perEpoch);
    context.waitFor(turn * perEpoch);
    const from = (task % perEpoch) * taskPoints;
    const to = Math.min(rows, from + taskPoints);
    const [source, target] = [buffers[turn % 2]!, buffers[(turn + 1) % 2]!];
    const step = alpha * (1 - turn / epochs);
    if (lanes === 4)
      main.moveNarrow(
        source,
        target,
        plan.starts,
        plan.columns,
        plan.rates,
        from,
        to,
        rows,
        turn + 1,
        step,
        negatives,
        seed,
        plan.forces,
        plan.due + context.index * 512,
      );
    else
      main.moveWide(
        source,
        target,
        plan.starts,
        plan.columns,
        plan.rates,
        from,
        to,
        rows,
        turn + 1,
        step,
        negatives,
        seed,
        plan.forces,
        lanes,
      );
    context.finish();
    yield to - from;
  }
  return Math.max(0, epochs - 1) % 2;
}

export interface PlaceParams extends Common {
  readonly queries: number;
  readonly epochs: number;
  readonly alpha: number;
  readonly negatives: number;
  readonly seed: number;
  readonly connectivity: number;
  /** Where the fitted positions stand. */
  readonly embedding: number;
}

/** Memberships of queries among the fitted rows, and their places. */
export async function* place(
  context: JobContext,
  { plan, queries, epochs, alpha, negatives, seed, connectivity, embedding }: PlaceParams,
): Job<void> {
  const { main } = context;
  const k = plan.neighbors;
  const target = Math.log2(k);
  yield* overRows(context, queries, (from, to) => {
    for (let i = from; i < to; i++) {
      const near = plan.queryNeighbours + i * k * 4;
      const weights = plan.queryWeights + i * k * 4;
      const meanOfRow = main.meanDistance(plan.queryDistances + i * k * 4, k); // of the row alone: what else is in the chunk must not matter
      main.smoothRow(
        plan.queryDistances + i * k * 4,
        near,
        k,
        target,
        connectivity,
        meanOfRow,
        -1,
        plan.queryRhos + i * 4,
        plan.querySigmas + i * 4,
        weights,
      );
      main.placeRow(
        plan.queryPositions + i * plan.lanes * 4,
        embedding,
        plan.lanes,
        near,
        weights,
        k,
        plan.rows,
        epochs,
        alpha,
        negatives,
        seed,
        plan.forces,
      );
    }
  });
}
