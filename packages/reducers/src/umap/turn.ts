// Turns wide tokens onto fewer axes for the search: integer arithmetic throughout, so the same everywhere.

import { seededRandom } from '../shared/seeded.ts';
import type { JobContext, Job } from './context.ts';
import { preparations, type Plan } from './plan.ts';
import type { Block } from './products.ts';
import { rowsOf } from './row-jobs.ts';
import type { Common } from './rows-in-tasks.ts';
import { productsFor } from './search.ts';

/**
 * Makes the axes: as many rows as there are axes, evenly spread over the tokens, less their mean, made orthonormal
 * (their span holds nearly all that tokens differ in), then mixed by a Hadamard transform with random signs, so that
 * coordinates are alike in size and 8 bits hold them well.
 */
export async function* makeAxes({ index, main }: JobContext, { plan }: { readonly plan: Plan }): Job<void> {
  if (index !== 0) return;
  const { turned, stride, rows } = plan;
  const { buffer } = main.memory;
  const axes = new Float32Array(buffer, plan.turnedAxes, turned * stride);
  const mean = new Float32Array(buffer, plan.mean, stride).slice();
  for (let k = 0; k < turned; k++) {
    const row = new Float32Array(buffer, plan.tokens + Math.floor(((k + 0.5) * rows) / turned) * stride * 4, stride);
    for (let c = 0; c < plan.channels; c++) axes[k * stride + c] = row[c]! - mean[c]!;
  }
  // The first axis is the mark of zero rows (see `prepareRow`), which keeps them together.
  axes.fill(0, 0, stride);
  axes[plan.channels] = 1;
  const random = seededRandom(1, 6);
  for (let k = 0; k < turned; k += 16) {
    main.orthonormalize(plan.turnedAxes, stride, k, k + 16);
    yield 0;
  }
  for (let k = 0; k < turned; k++)
    if (random() < 0.5) for (let c = 0; c < stride; c++) axes[k * stride + c] = -axes[k * stride + c]!;
  main.mixRows(plan.turnedAxes, stride, turned);
  yield 0;
  // `sums` is free: zeros stand there for the mean, its end takes a bias that is not used.
  new Float32Array(buffer, plan.sums, stride).fill(0);
  for (let k = 0; k < turned; k++) {
    main.quantizeRow(
      plan.turnedAxes + k * stride * 4,
      plan.sums,
      stride,
      0,
      plan.turnedAxes8 + k * stride,
      plan.turnedAxisScales + k * 4,
      plan.sums + stride * 4,
    );
  }
}

const blockRows = 512;

/**
 * Writes the coordinates of all fitted rows, or of queries, on the axes. Their 8-bit channels stand in this thread's
 * memory only, a block at a time.
 */
export async function* turn(
  context: JobContext,
  { plan, metric, onnx, queries }: Common & { readonly onnx: boolean; readonly queries?: number },
): Job<void> {
  const { turned, stride } = plan;
  const rows = queries ?? plan.rows;
  const [values, scales, biases] = rowsOf(plan, queries);
  const [out8, outScales] =
    queries === undefined ? [plan.turned8, plan.turnedScales] : [plan.queryTurned8, plan.queryTurnedScales];
  const spare = plan.spare + context.index * stride;
  let at = 65536;
  const take = (bytes: number): number => (at += Math.ceil(bytes / 64) * 64) - Math.ceil(bytes / 64) * 64;
  const block: Block = {
    rows: blockRows,
    columns: turned,
    width: stride,
    left: take(blockRows * stride),
    right: take(turned * stride),
    work: take(turned * stride * 2),
    leftWork: take(blockRows * stride * 2),
    out: take(blockRows * turned * 4),
  };
  const [axisScales, result, resultScales] = [take(turned * 4), take(blockRows * turned), take(blockRows * 4)];
  const kernel = await context.scratch(at);
  const products = await productsFor(kernel, 'int8', onnx);
  const shared = context.main.memory.buffer;
  const own = (offset: number, length: number): Uint8Array => new Uint8Array(kernel.memory.buffer, offset, length);
  own(block.right, turned * stride).set(new Uint8Array(shared, plan.turnedAxes8, turned * stride));
  own(axisScales, turned * 4).set(new Uint8Array(shared, plan.turnedAxisScales, turned * 4));
  products.turn(block);
  const rowScales = new Float32Array(shared, scales, rows);
  for (let from = context.take() * blockRows; from < rows; from = context.take() * blockRows) {
    const count = Math.min(blockRows, rows - from);
    for (let i = 0; i < count; i++) {
      const row = from + i;
      context.main.quantizeRow(
        values + row * stride * 4,
        plan.mean,
        stride,
        preparations[metric],
        spare,
        scales + row * 4,
        biases + row * 4,
      );
      own(block.left + i * stride, stride).set(new Uint8Array(shared, spare, stride));
    }
    own(block.left + count * stride, (blockRows - count) * stride).fill(0);
    for await (const _ of products.multiply(block)) yield 0;
    for (let i = 0; i < count; i++)
      kernel.narrowRow(
        block.out + i * turned * 4,
        axisScales,
        turned,
        rowScales[from + i]!,
        result + i * turned,
        resultScales + i * 4,
      );
    new Uint8Array(shared, out8 + from * turned, count * turned).set(own(result, count * turned));
    new Uint8Array(shared, outScales + from * 4, count * 4).set(own(resultScales, count * 4));
    yield count;
  }
}
