// Jobs for a start: principal axes of a sample, coordinates on them, or the spectrum of the graph.

import type { JobContext, Job } from './context.ts';
import { axesFor } from './plan.ts';
import { overRows, type Common } from './rows-in-tasks.ts';
import { spectralPositions } from './spectral-start.ts';

/**
 * One half of a pass of subspace iteration over the rows at `picks`: products with the axes, then rows spread by them
 * into `spread`.
 */
export async function* iterate(
  { index, main }: JobContext,
  { plan, count, spread }: Common & { readonly count: number; readonly spread: boolean },
): Job<void> {
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
export async function* project(
  context: JobContext,
  { plan, components }: Common & { readonly components: number },
): Job<void> {
  const { main } = context;
  yield* overRows(context, plan.rows, (from, to) => {
    for (let i = from; i < to; i++)
      main.projectRow(
        plan.tokens + i * plan.stride * 4,
        plan.axes,
        plan.stride,
        components,
        plan.axisOffsets,
        plan.positions + i * plan.lanes * 4,
      );
  });
}

/** Coordinates of all rows from the spectrum of the scheduled graph, as positions. */
export async function* spectral(
  { index, main }: JobContext,
  { plan, seed }: Common & { readonly seed: number },
): Job<void> {
  if (index !== 0) return;
  const { buffer } = main.memory;
  const starts = new Uint32Array(buffer, plan.starts, plan.rows + 1).slice();
  const edges = starts[plan.rows]!;
  const graph = {
    starts,
    columns: new Uint32Array(buffer, plan.columns, edges),
    weights: new Float32Array(buffer, plan.rates, edges),
  };
  const centre = (nodes: readonly number[]): Float64Array => {
    const sum = new Float64Array(plan.channels);
    for (const node of nodes)
      new Float32Array(buffer, plan.tokens + node * plan.stride * 4, plan.channels).forEach(
        (value, c) => (sum[c]! += value / nodes.length),
      );
    return sum;
  };
  const work = spectralPositions(graph, plan.components, seed, centre);
  const positions = new Float32Array(buffer, plan.positions, plan.rows * plan.lanes);
  for (let slice = work.next(); ; slice = work.next()) {
    if (slice.done)
      return slice.value.forEach(
        (value, at) => (positions[Math.floor(at / plan.components) * plan.lanes + (at % plan.components)] = value),
      );
    yield 0;
  }
}
