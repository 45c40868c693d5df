// Jobs on rows of tokens: what is done before, around and after the search for neighbours.

import type { JobContext, Job } from './context.ts';
import { distances, preparations, type Plan } from './plan.ts';
import { overRows, type Common } from './rows-in-tasks.ts';

/**
 * Checks rows and brings them into the form that is compared; returns the first row with NaN or infinity that this
 * thread met, or -1.
 */
export async function* prepare(
  context: JobContext,
  { plan, metric, queries }: Common & { readonly queries?: number },
): Job<number> {
  const { main } = context;
  let bad = -1;
  const [base, lengths, means] =
    queries === undefined
      ? [plan.tokens, plan.lengths, plan.means]
      : [plan.queries, plan.queryLengths, plan.queryMeans];
  yield* overRows(context, queries ?? plan.rows, (from, to) => {
    for (let i = from; i < to; i++)
      if (
        main.prepareRow(
          base + i * plan.stride * 4,
          plan.channels,
          preparations[metric],
          lengths + i * 4,
          means + i * 4,
        ) &&
        (bad < 0 || i < bad)
      )
        bad = i;
  });
  return bad;
}

/** Marks the zero rows among rows that were prepared before; see `prepareRow`. */
export async function* mark(context: JobContext, { plan, metric }: Common): Job<void> {
  if (preparations[metric] === 0) return;
  yield* overRows(context, plan.rows, (from, to) => {
    for (let i = from; i < to; i++) {
      const row = new Float32Array(context.main.memory.buffer, plan.tokens + i * plan.stride * 4, plan.stride);
      if (row.every((value) => value === 0)) row[plan.channels] = 1;
    }
  });
}

/** Mean of the rows listed at `picks`. */
export async function* mean(
  { index, main }: JobContext,
  { plan, count }: Common & { readonly count: number },
): Job<void> {
  if (index === 0) main.meanRow(plan.tokens, plan.stride, plan.picks, count, plan.sums, plan.mean);
  yield 0;
}

/** 8-bit forms of all rows, or of queries, with their scales and biases. */
export async function* quantize(
  context: JobContext,
  { plan, metric, queries }: Common & { readonly queries?: number },
): Job<void> {
  const [values, scales, biases] = rowsOf(plan, queries);
  const bytes = queries === undefined ? plan.bytes8 : plan.queryBytes8;
  yield* overRows(context, queries ?? plan.rows, (from, to) => {
    for (let i = from; i < to; i++)
      context.main.quantizeRow(
        values + i * plan.stride * 4,
        plan.mean,
        plan.stride,
        preparations[metric],
        bytes + i * plan.stride,
        scales + i * 4,
        biases + i * 4,
      );
  });
}

/** Where the rows that are fitted stand, or queries, and their scales and biases. */
export const rowsOf = (
  plan: Plan,
  queries: number | undefined,
): readonly [values: number, scales: number, biases: number] =>
  queries === undefined ? [plan.tokens, plan.scales, plan.biases] : [plan.queries, plan.queryScales, plan.queryBiases];

/** Joins the threads' candidate lists and ranks them by exact distance. */
export async function* rank(
  context: JobContext,
  { plan, metric, queries }: Common & { readonly queries?: number },
): Job<void> {
  const { main, threads } = context;
  const { stride, candidates, neighbors } = plan;
  const own = queries === undefined;
  yield* overRows(context, queries ?? plan.rows, (from, to) => {
    for (let i = from; i < to; i++) {
      const scores = plan.listScores + i * candidates * 4;
      const indices = plan.listIndices + i * candidates * 4;
      main.joinLists(scores, indices, candidates, threads, plan.listPitch);
      main.rankRow(
        (own ? plan.tokens : plan.queries) + i * stride * 4,
        plan.tokens,
        stride,
        distances[metric],
        scores,
        indices,
        candidates,
        own ? i : -1,
        neighbors,
        (own ? plan.neighbours : plan.queryNeighbours) + i * neighbors * 4,
        (own ? plan.distances : plan.queryDistances) + i * neighbors * 4,
      );
    }
  });
}

/** Copies the rows at `picks`, prepared and quantised, into the query area. */
export async function* pick(
  { index, main }: JobContext,
  { plan, count }: { readonly plan: Plan; readonly count: number },
): Job<void> {
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

/** Before a search: no row has a limit. */
export async function* clearLimits(
  { index, main }: JobContext,
  { plan, rows }: { readonly plan: Plan; readonly rows: number },
): Job<void> {
  if (index === 0) new Float32Array(main.memory.buffer, plan.limits, rows).fill(-Infinity);
  yield 0;
}

/**
 * Exhaustive neighbours of the rows at `picks`, beside the candidates of a search for the same rows (as queries): how
 * many were missed.
 */
export async function* missed(
  context: JobContext,
  { plan, metric, count }: Common & { readonly count: number },
): Job<number> {
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
      main.offerExact(
        plan.tokens + picks[q]! * stride * 4,
        plan.tokens,
        stride,
        distances[metric],
        from,
        Math.min(plan.rows, from + 64),
        picks[q]!,
        scores,
        indices,
        wanted,
      );
    }
    yield 0;
  }
  let lost = 0;
  mine.forEach((q, at) => {
    for (const index of new Uint32Array(main.memory.buffer, plan.listIndices + q * candidates * 4, wanted))
      if (!found[at]!.has(index)) lost++;
  });
  yield mine.length;
  return lost;
}
