// The steps of a fit and of a placement, as jobs that all threads run together.

import type { JobContext, Job } from './context.ts';
import { axesFor, distances, preparations, type Metric, type Plan } from './plan.ts';
import { search } from './search.ts';
import { spectralPositions } from './spectral-start.ts';
import { makeAxes, turn } from './turn.ts';

/** Rows of one task: some milliseconds at most. */
const taskRows = 64;

interface Common {
  readonly plan: Plan;
  readonly metric: Metric;
}

/** Runs `work` over rows in tasks that threads take one after another. */
async function* overRows(context: JobContext, rows: number, work: (from: number, to: number) => void): Job<void> {
  for (let from = context.take() * taskRows; from < rows; from = context.take() * taskRows) {
    const to = Math.min(rows, from + taskRows);
    work(from, to);
    yield to - from;
  }
}

/** Checks rows and brings them into the form that is compared; answers the first row with NaN or infinity that this thread met, or -1. */
async function* prepare(context: JobContext, { plan, metric, queries }: Common & { readonly queries?: number }): Job<number> {
  const { main } = context;
  let bad = -1;
  const base = queries === undefined ? plan.tokens : plan.queries;
  yield* overRows(context, queries ?? plan.rows, (from, to) => {
    for (let i = from; i < to; i++) if (main.prepareRow(base + i * plan.stride * 4, plan.channels, preparations[metric]) && (bad < 0 || i < bad)) bad = i;
  });
  return bad;
}

/** Marks the zero rows among rows that were prepared before; see `prepareRow`. */
async function* mark(context: JobContext, { plan, metric }: Common): Job<void> {
  if (preparations[metric] === 0) return;
  yield* overRows(context, plan.rows, (from, to) => {
    for (let i = from; i < to; i++) {
      const row = new Float32Array(context.main.memory.buffer, plan.tokens + i * plan.stride * 4, plan.stride);
      if (row.every((value) => value === 0)) row[plan.channels] = 1;
    }
  });
}

/** Mean of the rows listed at `picks`. */
async function* mean({ index, main }: JobContext, { plan, count }: Common & { readonly count: number }): Job<void> {
  if (index === 0) main.meanRow(plan.tokens, plan.stride, plan.picks, count, plan.sums, plan.mean);
  yield 0;
}

async function* quantize(context: JobContext, { plan, metric, queries }: Common & { readonly queries?: number }): Job<void> {
  const { main } = context;
  const [values, bytes, scales, biases] =
    queries === undefined ? [plan.tokens, plan.bytes8, plan.scales, plan.biases] : [plan.queries, plan.queryBytes8, plan.queryScales, plan.queryBiases];
  yield* overRows(context, queries ?? plan.rows, (from, to) => {
    for (let i = from; i < to; i++) {
      main.quantizeRow(values + i * plan.stride * 4, plan.mean, plan.stride, preparations[metric], bytes + i * plan.stride, scales + i * 4, biases + i * 4);
    }
  });
}

/** Joins the threads' candidate lists and ranks them by exact distance. */
async function* rank(context: JobContext, { plan, metric, queries }: Common & { readonly queries?: number }): Job<void> {
  const { main, threads } = context;
  const { stride, candidates, neighbors } = plan;
  const own = queries === undefined;
  yield* overRows(context, queries ?? plan.rows, (from, to) => {
    for (let i = from; i < to; i++) {
      const scores = plan.listScores + i * candidates * 4;
      const indices = plan.listIndices + i * candidates * 4;
      main.joinLists(scores, indices, candidates, threads, plan.listPitch);
      main.rankRow(
        (own ? plan.tokens : plan.queries) + i * stride * 4, plan.tokens, stride, distances[metric], scores, indices, candidates, own ? i : -1, neighbors,
        (own ? plan.neighbours : plan.queryNeighbours) + i * neighbors * 4, (own ? plan.distances : plan.queryDistances) + i * neighbors * 4,
      );
    }
  });
}

/** Copies the rows at `picks`, prepared and quantised, into the query area. */
async function* pick({ index, main }: JobContext, { plan, count }: { readonly plan: Plan; readonly count: number }): Job<void> {
  yield 0;
  if (index !== 0) return;
  const memory = new Uint8Array(main.memory.buffer);
  const move = (from: number, to: number, bytes: number): unknown => memory.copyWithin(to, from, from + bytes);
  new Uint32Array(main.memory.buffer, plan.picks, count).forEach((row, q) => {
    move(plan.tokens + row * plan.stride * 4, plan.queries + q * plan.stride * 4, plan.stride * 4);
    move(plan.bytes8 + row * plan.stride, plan.queryBytes8 + q * plan.stride, plan.stride);
    move(plan.scales + row * 4, plan.queryScales + q * 4, 4);
    move(plan.biases + row * 4, plan.queryBiases + q * 4, 4);
    move(plan.turned8 + row * plan.turned, plan.queryTurned8 + q * plan.turned, plan.turned);
    if (plan.turned) move(plan.turnedScales + row * 4, plan.queryTurnedScales + q * 4, 4);
  });
}

/** Before a search: nobody knows of a limit. */
async function* clearLimits({ index, main }: JobContext, { plan, rows }: { readonly plan: Plan; readonly rows: number }): Job<void> {
  if (index === 0) new Float32Array(main.memory.buffer, plan.limits, rows).fill(-Infinity);
  yield 0;
}

/** Exhaustive neighbours of the rows at `picks`, beside the candidates of a search for the same rows (as queries): how many were missed. */
async function* missed(context: JobContext, { plan, metric, count }: Common & { readonly count: number }): Job<number> {
  const { main, threads } = context;
  const { stride, candidates, neighbors } = plan;
  const wanted = Math.min(neighbors - 1, plan.rows - 1);
  const picks = new Uint32Array(main.memory.buffer, plan.picks, count);
  const found: Set<number>[] = [];
  const mine: number[] = [];
  for (let q = context.take(); q < count; q = context.take()) {
    mine.push(q);
    const indices = plan.listIndices + q * candidates * 4;
    main.joinLists(plan.listScores + q * candidates * 4, indices, candidates, threads, plan.listPitch);
    found.push(new Set(new Uint32Array(main.memory.buffer, indices, candidates)));
    // The list's place is free now: the exhaustive search takes it.
    main.clearLists(plan.listScores + q * candidates * 4, indices, plan.queryRhos + q * 4, 1, wanted);
    if (mine.length >= Math.ceil(count / threads)) break;
  }
  // Some rows at a time for all picks, while they are in the cache.
  for (let from = 0; from < plan.rows; from += 64) {
    for (const q of mine) {
      const [scores, indices] = [plan.listScores + q * candidates * 4, plan.listIndices + q * candidates * 4];
      main.offerExact(plan.tokens + picks[q]! * stride * 4, plan.tokens, stride, distances[metric], from, Math.min(plan.rows, from + 64), picks[q]!, scores, indices, wanted);
    }
    yield 0;
  }
  let lost = 0;
  mine.forEach((q, at) => {
    for (const index of new Uint32Array(main.memory.buffer, plan.listIndices + q * candidates * 4, wanted)) if (!found[at]!.has(index)) lost++;
  });
  yield mine.length;
  return lost;
}

/** Mean of all distances, needed before memberships. */
async function* meanDistance({ index, main }: JobContext, { plan }: Common): Job<number> {
  yield 0;
  return index === 0 ? main.meanDistance(plan.distances, plan.rows * plan.neighbors) : 0;
}

async function* smooth(context: JobContext, { plan, connectivity, meanOfAll }: Common & { readonly connectivity: number; readonly meanOfAll: number }): Job<void> {
  const { main } = context;
  const k = plan.neighbors;
  const target = Math.log2(k);
  yield* overRows(context, plan.rows, (from, to) => {
    for (let i = from; i < to; i++) {
      main.smoothRow(plan.distances + i * k * 4, plan.neighbours + i * k * 4, k, target, connectivity, meanOfAll, i, plan.rhos + i * 4, plan.sigmas + i * 4, plan.weights + i * k * 4);
    }
  });
}

/** The fuzzy union; answers its number of edges, each counted in both directions. */
async function* unite({ index, main }: JobContext, { plan, mixRatio }: Common & { readonly mixRatio: number }): Job<number> {
  yield 0;
  if (index !== 0) return 0;
  return main.unite(plan.neighbours, plan.weights, plan.rows, plan.neighbors, mixRatio, plan.incoming, plan.from, plan.strength, plan.starts, plan.columns, plan.rates);
}

/** Prunes and schedules what `unite` left whole. */
async function* schedule({ index, main }: JobContext, { plan, epochs }: Common & { readonly epochs: number }): Job<number> {
  yield 0;
  return index === 0 ? main.schedule(plan.starts, plan.columns, plan.rates, plan.rows, epochs) : 0;
}

/** One half of a pass of subspace iteration over the rows at `picks`: products with the axes, then rows spread by them into `spread`. */
async function* iterate({ index, main }: JobContext, { plan, count, spread }: Common & { readonly count: number; readonly spread: boolean }): Job<void> {
  if (index !== 0) return;
  const axes = axesFor(plan.components);
  const pitch = Math.ceil(axes / 4) * 16;
  const picks = new Uint32Array(main.memory.buffer, plan.picks, count);
  if (spread) new Float32Array(main.memory.buffer, plan.spread, axes * plan.stride).fill(0);
  for (let i = 0; i < count; i++) {
    const row = plan.tokens + picks[i]! * plan.stride * 4;
    main.projectRow(row, plan.axes, plan.stride, axes, plan.axisOffsets, plan.products + i * pitch);
    if (spread) main.spreadRow(row, plan.products + i * pitch, plan.stride, axes, plan.spread);
    if (i % 128 === 127) yield 128;
  }
}

/** Coordinates of all rows along the axes, as positions. */
async function* project(context: JobContext, { plan, components }: Common & { readonly components: number }): Job<void> {
  const { main } = context;
  yield* overRows(context, plan.rows, (from, to) => {
    for (let i = from; i < to; i++) main.projectRow(plan.tokens + i * plan.stride * 4, plan.axes, plan.stride, components, plan.axisOffsets, plan.positions + i * plan.lanes * 4);
  });
}

/** Coordinates of all rows from the spectrum of the scheduled graph, as positions. */
async function* spectral({ index, main }: JobContext, { plan, seed }: Common & { readonly seed: number }): Job<void> {
  if (index !== 0) return;
  const { buffer } = main.memory;
  const starts = new Uint32Array(buffer, plan.starts, plan.rows + 1).slice();
  const edges = starts[plan.rows]!;
  const graph = { starts, columns: new Uint32Array(buffer, plan.columns, edges), weights: new Float32Array(buffer, plan.rates, edges) };
  const centre = (nodes: readonly number[]): Float64Array => {
    const sum = new Float64Array(plan.channels);
    for (const node of nodes) new Float32Array(buffer, plan.tokens + node * plan.stride * 4, plan.channels).forEach((value, c) => (sum[c]! += value / nodes.length));
    return sum;
  };
  const work = spectralPositions(graph, plan.components, seed, centre);
  const positions = new Float32Array(buffer, plan.positions, plan.rows * plan.lanes);
  for (let slice = work.next(); ; slice = work.next()) {
    if (slice.done) return slice.value.forEach((value, at) => (positions[Math.floor(at / plan.components) * plan.lanes + (at % plan.components)] = value));
    yield 0;
  }
}

async function* forces({ index, main }: JobContext, { plan, a, b, repulsion }: Common & { readonly a: number; readonly b: number; readonly repulsion: number }): Job<void> {
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
 * The layout. A task is a range of points in one epoch; it reads the positions of the former epoch and writes its own into the other buffer, so which thread takes it,
 * and when, changes nothing. An epoch starts when the former one is done. Answers the buffer (0 or 1) that holds the result.
 */
async function* layout(context: JobContext, { plan, epochs, alpha, negatives, seed }: LayoutParams): Job<number> {
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
    if (lanes === 4) main.moveNarrow(source, target, plan.starts, plan.columns, plan.rates, from, to, rows, turn + 1, step, negatives, seed, plan.forces, plan.due + context.index * 512);
    else main.moveWide(source, target, plan.starts, plan.columns, plan.rates, from, to, rows, turn + 1, step, negatives, seed, plan.forces, lanes);
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
async function* place(context: JobContext, { plan, queries, epochs, alpha, negatives, seed, connectivity, embedding }: PlaceParams): Job<void> {
  const { main } = context;
  const k = plan.neighbors;
  const target = Math.log2(k);
  yield* overRows(context, queries, (from, to) => {
    for (let i = from; i < to; i++) {
      const near = plan.queryNeighbours + i * k * 4;
      const weights = plan.queryWeights + i * k * 4;
      const meanOfRow = main.meanDistance(plan.queryDistances + i * k * 4, k); // of the row alone: what else is in the chunk must not matter
      main.smoothRow(plan.queryDistances + i * k * 4, near, k, target, connectivity, meanOfRow, -1, plan.queryRhos + i * 4, plan.querySigmas + i * 4, weights);
      main.placeRow(plan.queryPositions + i * plan.lanes * 4, embedding, plan.lanes, near, weights, k, plan.rows, epochs, alpha, negatives, seed, plan.forces);
    }
  });
}

export const jobs = { prepare, mark, mean, quantize, pick, makeAxes, turn, clearLimits, search, rank, missed, meanDistance, smooth, unite, schedule, iterate, project, spectral, forces, layout, place } as const;

export type JobName = keyof typeof jobs;
export type ParamsOf<N extends JobName> = Parameters<(typeof jobs)[N]>[1];
export type AnswerOf<N extends JobName> = ReturnType<(typeof jobs)[N]> extends Job<infer T> ? T : never;
