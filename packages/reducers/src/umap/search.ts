// Candidate search: blocks of rows times blocks of rows, every product offered to the lists of its rows.

import type { JobContext, Job } from './context.ts';
import { firstFree, type Kernel } from './kernel.ts';
import type { Plan } from './plan.ts';
import {
  isExact,
  isWhole,
  onnxProducts,
  onnxRuntime,
  wasmProducts,
  type Arithmetic,
  type Block,
  type Products,
} from './products.ts';

export interface SearchParams {
  readonly plan: Plan;
  readonly arithmetic: Arithmetic;
  /** Whether ONNX Runtime may be used. */
  readonly onnx: boolean;
  /** Rows of the query area to search for; absent: every fitted row among the others. */
  readonly queries?: number;
}

export interface SearchReport {
  readonly through: 'onnxruntime' | 'wasm';
  /** False where 8-bit products saturate: the lists are not to be used. */
  readonly exact: boolean;
}

const upTo = (value: number, step: number): number => Math.ceil(value / step) * step;

/** Rows of a block: as many as keep all threads busy, at most 1,024 (4 MB of products, 10 ms of work). */
const blockRows = (rows: number, threads: number): number =>
  Math.min(1024, Math.max(16, upTo(Math.ceil(rows / Math.max(1, 3 * threads)), 16)));

/** What a thread keeps in its own memory while it searches. */
interface Store extends Block {
  readonly scaleI: number;
  readonly biasI: number;
  readonly scaleJ: number;
  readonly biasJ: number;
  readonly scores: number;
  readonly indices: number;
  readonly limits: number;
  readonly meanRow: number;
  /** Limits as they were before and after a block. */
  readonly shared: number;
  readonly end: number;
}

function store(block: number, width: number, stride: number, listRows: number, others: number, size: number): Store {
  let at = 65536;
  const take = (bytes: number): number => {
    const offset = at;
    at += upTo(bytes, 64);
    return offset;
  };
  const scaleI = take(listRows * 4);
  const biasI = take(listRows * 4);
  return {
    rows: block,
    columns: block,
    width,
    scaleI,
    biasI,
    scaleJ: others ? take(others * 4) : scaleI,
    biasJ: others ? take(others * 4) : biasI,
    scores: take(listRows * size * 4),
    indices: take(listRows * size * 4),
    limits: take(listRows * 4),
    meanRow: take(stride * 4),
    shared: take(2 * block * 4),
    left: take(block * width * 4),
    right: take(block * width * 4),
    work: take(block * width * 2),
    leftWork: take(block * width * 2),
    out: take(block * block * 4),
    end: at,
  };
}

/**
 * Searches candidates. Afterwards the lists of this thread stand in the plan's `listScores` and `listIndices`; joined
 * over all threads they are the best of all products, in an order (score, then index) that no scheduling changes.
 */
export async function* search(
  context: JobContext,
  { plan, arithmetic, onnx, queries }: SearchParams,
): Job<SearchReport> {
  const { rows, stride, candidates } = plan;
  const whole = isWhole(arithmetic);
  const width = arithmetic === 'axes' ? plan.turned : stride;
  const listRows = queries ?? rows;
  const size = blockRows(rows, context.threads);
  const queryBlock = queries === undefined ? size : Math.min(size, upTo(queries, 16));
  const s = store(size, width, stride, listRows, queries === undefined ? 0 : rows, candidates);
  const kernel = await context.scratch(s.end);
  const products = await productsFor(kernel, arithmetic, onnx);
  const report: SearchReport = { through: products.through, exact: products.exact };
  if (!report.exact) return report;

  const shared = context.main.memory.buffer;
  const copy = (from: number, to: number, bytes: number): void =>
    new Uint8Array(kernel.memory.buffer, to, bytes).set(new Uint8Array(shared, from, bytes));
  const fillFactors = (scale: number, bias: number, fromScale: number, fromBias: number, count: number): void => {
    if (whole) copy(fromScale, scale, count * 4);
    else new Float32Array(kernel.memory.buffer, scale, count).fill(1);
    if (arithmetic === 'manhattan') new Float32Array(kernel.memory.buffer, bias, count).fill(0);
    else copy(fromBias, bias, count * 4);
  };
  const own =
    arithmetic === 'axes' ? ([plan.turned8, plan.turnedScales] as const) : ([plan.bytes8, plan.scales] as const);
  const asked =
    arithmetic === 'axes'
      ? ([plan.queryTurned8, plan.queryTurnedScales] as const)
      : ([plan.queryBytes8, plan.queryScales] as const);
  if (queries === undefined) {
    fillFactors(s.scaleI, s.biasI, own[1], plan.biases, rows);
  } else {
    fillFactors(s.scaleI, s.biasI, asked[1], plan.queryBiases, queries);
    fillFactors(s.scaleJ, s.biasJ, own[1], plan.biases, rows);
  }
  copy(plan.mean, s.meanRow, stride * 4);
  kernel.clearLists(s.scores, s.indices, s.limits, listRows, candidates);

  const load = (values: number, bytes8: number, first: number, count: number, room: number, to: number): void =>
    loadRows(kernel, shared, arithmetic, width, whole ? bytes8 : values, first, count, room, to, s.meanRow);
  const scan = (block: Block, i: number, counted: number, j: number, columns: number, both: boolean): void =>
    kernel.scanTile(
      s.out,
      block.columns,
      counted,
      columns,
      whole,
      both,
      both && i === j,
      s.scaleI + i * 4,
      s.biasI + i * 4,
      i,
      s.scores + i * candidates * 4,
      s.indices + i * candidates * 4,
      s.limits + i * 4,
      s.scaleJ + j * 4,
      s.biasJ + j * 4,
      j,
      s.scores + j * candidates * 4,
      s.indices + j * candidates * 4,
      s.limits + j * 4,
      candidates,
    );

  const raise = (first: number, count: number, before: boolean): void => {
    const known = new Float32Array(shared, plan.limits + first * 4, count);
    new Float32Array(kernel.memory.buffer, s.shared, count).set(known);
    if (before) return kernel.raiseLimits(s.shared, s.limits + first * 4, count);
    kernel.raiseLimits(s.limits + first * 4, s.shared, count);
    known.set(new Float32Array(kernel.memory.buffer, s.shared, count));
  };

  const panels = Math.ceil(rows / size);
  const strips = queries === undefined ? panels : Math.ceil(queries / queryBlock);
  const total = queries === undefined ? (panels * (panels + 1)) / 2 : panels * strips;
  let panel = 0;
  let before = 0; // tasks of earlier panels
  let held = -1;
  for (let task = context.take(); task < total; task = context.take()) {
    const inPanel = (p: number): number => (queries === undefined ? p + 1 : strips);
    while (task - before >= inPanel(panel)) before += inPanel(panel++);
    const j = panel * size;
    // From the diagonal back: tokens that stand close together are often alike, so limits rise soon.
    const i = (queries === undefined ? panel - (task - before) : task - before) * queryBlock;
    const columns = Math.min(size, rows - j);
    const counted = Math.min(queryBlock, listRows - i);
    const block: Block = {
      ...s,
      rows: Math.min(queryBlock, upTo(counted, 16)),
      columns: Math.min(size, upTo(columns, 16)),
    };
    if (held !== panel) {
      load(plan.tokens, own[0], j, columns, block.columns, s.right);
      products.turn(block);
      held = panel;
    }
    if (queries === undefined) load(plan.tokens, own[0], i, counted, block.rows, s.left);
    else load(plan.queries, asked[0], i, counted, block.rows, s.left);
    for await (const _ of products.multiply(block)) yield 0;
    // What any thread has found limits what this one needs to keep; a race may lose a limit, never a candidate.
    raise(i, counted, true);
    if (queries === undefined) raise(j, columns, true);
    scan(block, i, counted, j, columns, queries === undefined);
    raise(i, counted, false);
    if (queries === undefined) raise(j, columns, false);
    yield Math.ceil((counted * columns) / 1024);
  }
  const bytes = listRows * candidates * 4;
  const back = (from: number, to: number): void =>
    new Uint8Array(shared, to + context.index * plan.listPitch, bytes).set(
      new Uint8Array(kernel.memory.buffer, from, bytes),
    );
  back(s.scores, plan.listScores);
  back(s.indices, plan.listIndices);
  return report;
}

/** Whether ONNX Runtime's 8-bit products are exact; asked once a thread. */
let exact: boolean | undefined;

/** Products of one kind, and what makes them; not exact where 8-bit sums saturate. */
export async function productsFor(
  kernel: Kernel,
  arithmetic: Arithmetic,
  onnx: boolean,
): Promise<Products & SearchReport> {
  const runtime = onnx && arithmetic !== 'manhattan' ? await onnxRuntime() : undefined;
  if (!runtime) return { ...wasmProducts(arithmetic, kernel), through: 'wasm', exact: true };
  const products = await onnxProducts(runtime, isWhole(arithmetic), kernel);
  if (!isWhole(arithmetic)) return { ...products, through: 'onnxruntime', exact: true };
  exact ??= await isExact(products, kernel, firstFree);
  return { ...products, through: 'onnxruntime', exact };
}

/** Copies rows into this thread's memory as its products want them, zeros up to `room` rows. */
function loadRows(
  kernel: Kernel,
  shared: ArrayBufferLike,
  arithmetic: Arithmetic,
  width: number,
  from: number,
  first: number,
  count: number,
  room: number,
  to: number,
  mean: number,
): void {
  const bytes = isWhole(arithmetic) ? width : width * 4;
  const target = new Uint8Array(kernel.memory.buffer, to, room * bytes);
  target.set(new Uint8Array(shared, from + first * bytes, count * bytes));
  target.fill(0, count * bytes);
  if (arithmetic === 'float32') kernel.centreRows(to, mean, width, count);
}

/** What a search counts as its progress: thousands of products. */
export const searchWork = (rows: number, queries?: number): number =>
  Math.ceil((queries === undefined ? (rows * rows) / 2 : rows * queries) / 1024);
