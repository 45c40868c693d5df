// UMAP: our own engine. Neighbours that are near in many channels lie near in a few coordinates.

import { InputError } from '@deepearth/core/errors';
import type { ModelState } from '../models/model.ts';
import { pause } from '../shared/pace.ts';
import { seededRandom } from '../shared/seeded.ts';
import { fitCurve } from './curve.ts';
import { defaultThreads, openEngine, type Engine } from './engine.ts';
import { findNeighbours, fuzzySet, layOut, prepareRows, start, throughOnnx } from './fit.ts';
import {
  checkState,
  fittedUmap,
  narrow,
  placeQueries,
  type FittedParts,
  type PreparedRows,
  type UmapModel,
} from './fitted.ts';
import { asChunks, settle, type Settled, type TokenChunks, type UmapOptions } from './options.ts';
import { planMemory, queryRows, type Plan } from './plan.ts';
import type { Running } from './running.ts';

export type { TokenChunks, UmapOptions } from './options.ts';
export type { UmapFacts, UmapModel } from './fitted.ts';

export interface UmapResult {
  /** `[tokens, components]`. */
  readonly embedding: Float32Array;
  /** Places further tokens among these. Its threads end by themselves when it rests; `close()` ends them at once. */
  readonly model: UmapModel;
}

/** What a UMAP would take. */
export interface UmapEstimate {
  /** Tokens that would be fitted; the others are placed by them. */
  readonly fitted: number;
  /** Bytes that it holds at its peak, beside the tokens given and the answer. */
  readonly bytes: number;
  /** Whether one memory (4 GiB) can hold the fit. */
  readonly possible: boolean;
}

const fittedRows = (count: number, { maxFitTokens, sampleTokens }: Settled): number =>
  count > maxFitTokens ? Math.min(sampleTokens, maxFitTokens) : count;

/** As umap-learn: too few tokens use what there is. */
const neighborsFor = (rows: number, neighbors: number): number =>
  rows > neighbors ? neighbors : Math.max(Math.min(2, rows), rows - 1);

const planFor = (rows: number, options: Settled, threads: number): Plan =>
  planMemory({
    rows,
    channels: options.channels,
    neighbors: neighborsFor(rows, options.neighbors),
    components: options.components,
    threads,
  });

/** Says what a fit of `count` tokens would take, before anything is started. */
export function estimateUmap({ count, ...options }: UmapOptions & { readonly count: number }): UmapEstimate {
  const settled = settle(options);
  const fitted = fittedRows(count, settled);
  const threads = settled.threads ?? 2;
  const { end, stride, candidates } = planFor(fitted, settled, threads);
  const block = 1024 * stride * 12 + 1024 * 1024 * 4;
  return { fitted, bytes: end + threads * (block + fitted * candidates * 8), possible: end <= 2 ** 32 };
}

/**
 * Fits a UMAP to `[count, channels]` tokens and returns their coordinates and a model for others. All work happens in
 * worker threads; same tokens, options and seed: same bytes, for any number of threads, with and without ONNX Runtime
 * unless a search of many tokens is in float32.
 *
 * Throws a `RangeError` for options out of range, an `InputError` for tokens with NaN or infinity (the first one is
 * named), for no tokens, and for a fit that would not fit into memory; the signal's reason when it is aborted.
 */
export async function umap(tokens: Float32Array | TokenChunks, given: UmapOptions): Promise<UmapResult> {
  const options = settle(given);
  const curve = fitCurve(options.minDist, options.spread);
  const running: Running = { signal: given.signal, progress: given.progress };
  running.signal?.throwIfAborted();
  const source = asChunks(tokens, options.channels);
  if (!(source.count > 0)) throw new InputError('tokens', 'there are none to fit.', { code: 'E_EMPTY' });
  const rows = fittedRows(source.count, options);
  const plan = planFor(rows, options, options.threads ?? (await defaultThreads()));
  if (plan.end > 2 ** 32) {
    throw new InputError(
      'tokens',
      `a fit of ${rows} tokens of ${options.channels} channels takes ${(plan.end / 2 ** 30).toFixed(1)} GiB, one memory ends at 4 GiB.`,
      {
        code: 'E_MEMORY',
        remedy: 'Lower maxFitTokens: a sample is fitted then, and the other tokens are placed by it.',
      },
    );
  }
  const available = availableBytes();
  if (plan.end > available) {
    throw new InputError(
      'tokens',
      `a fit of ${rows} tokens takes ${Math.ceil(plan.end / 2 ** 20)} MiB, and ${Math.floor(available / 2 ** 20)} MiB are free.`,
      {
        code: 'E_MEMORY',
        remedy: 'Lower maxFitTokens and sampleTokens.',
      },
    );
  }
  const picks = rows < source.count ? stretches(source.count, rows, options.seed) : undefined;
  const onnx = throughOnnx(plan, options) && options.search !== 'float32';
  const engine = await openEngine({ bytes: plan.end, threads: plan.threads, workers: options.workers, onnx });
  try {
    await load(engine, plan, source, picks, running);
    await prepareRows(engine, plan, options, running, (row) => picks?.[row] ?? row);
    const search = await findNeighbours(engine, plan, options, running);
    const [edges, scheduled] = await fuzzySet(engine, plan, options, running, options.epochs);
    await start(engine, plan, options, running);
    const positions = await layOut(engine, plan, options, curve, running);
    const fitted = narrow(await engine.read(positions, rows * plan.lanes), plan.lanes, plan.components);
    const facts = { ...search, fitted: rows, neighbors: plan.neighbors, edges, scheduled, threads: engine.threads };
    const parts: FittedParts = {
      plan,
      options,
      curve,
      facts,
      embedding: fitted,
      ...(engine.memory ? { memory: engine.memory } : { prepared: await readPrepared(engine, plan) }),
    };
    const embedding = picks ? await placeRest(engine, parts, source, picks, positions, running) : fitted;
    return { embedding, model: fittedUmap(parts) };
  } finally {
    await engine.close();
  }
}

/** Puts a model together again. Throws an `InputError` (about `subject`) when its state is not whole. */
export async function restoreUmap(
  state: ModelState,
  subject = 'model',
  running: Pick<UmapOptions, 'threads' | 'workers'> = {},
): Promise<UmapModel> {
  const { prepared, embedding, options, curve, facts, rows } = checkState(state, subject);
  const settled = settle({ ...options, ...running });
  const plan = {
    ...planFor(rows, { ...settled, neighbors: facts.neighbors }, running.threads ?? (await defaultThreads())),
    neighbors: facts.neighbors,
  };
  const here = { threads: plan.threads, through: throughOnnx(plan, settled) ? 'onnxruntime' : 'wasm' } as const;
  return fittedUmap({ plan, options: settled, curve, facts: { ...facts, ...here }, embedding, prepared });
}

const readPrepared = async (
  engine: Engine,
  { tokens, lengths, means, rows, stride, channels }: Plan,
): Promise<PreparedRows> => ({
  tokens: narrow(await engine.read(tokens, rows * stride), stride, channels),
  lengths: await engine.read(lengths, rows),
  means: await engine.read(means, rows),
});

/** Memory that this process may still take, where the platform says so. */
function availableBytes(): number {
  const asked =
    typeof process === 'undefined' ? undefined : (process as { availableMemory?: () => number }).availableMemory?.();
  return asked ?? Infinity;
}

/** One row drawn from each of `count` equal stretches. */
function stretches(rows: number, count: number, seed: number): Uint32Array {
  const random = seededRandom(seed, 3);
  return Uint32Array.from({ length: count }, (_, i) => {
    const first = Math.floor((i * rows) / count);
    return first + Math.floor(random() * (Math.floor(((i + 1) * rows) / count) - first));
  });
}

/** Reads the rows that are fitted into the engine. */
async function load(
  engine: Engine,
  plan: Plan,
  source: TokenChunks,
  picks: Uint32Array | undefined,
  { signal, progress }: Running,
): Promise<void> {
  const { channels, stride } = plan;
  let seen = 0;
  let written = 0;
  for await (const chunk of source.chunks(signal)) {
    signal?.throwIfAborted();
    const count = chunkRows(chunk, channels, seen, source.count);
    if (picks) {
      for (; written < picks.length && picks[written]! < seen + count; written++) {
        const row = picks[written]! - seen;
        await engine.writeRows(
          plan.tokens + written * stride * 4,
          chunk.subarray(row * channels, (row + 1) * channels),
          channels,
          stride,
        );
      }
    } else {
      await engine.writeRows(plan.tokens + written * stride * 4, chunk, channels, stride);
      written += count;
    }
    seen += count;
    progress?.('reading', seen, source.count);
    await pause();
  }
  if (seen !== source.count) throw new InputError('tokens', `${source.count} were announced, ${seen} came.`);
}

function chunkRows(chunk: Float32Array, channels: number, seen: number, announced: number): number {
  const count = chunk.length / channels;
  if (!Number.isInteger(count))
    throw new InputError(
      'tokens',
      `a chunk of ${chunk.length} values is no whole number of rows of ${channels} channels.`,
    );
  if (seen + count > announced) throw new InputError('tokens', `${announced} were announced, more came.`);
  return count;
}

/** Places what was not fitted. */
async function placeRest(
  engine: Engine,
  parts: FittedParts,
  source: TokenChunks,
  picks: Uint32Array,
  positions: number,
  { signal, progress }: Running,
): Promise<Float32Array> {
  const { plan, embedding } = parts;
  const { channels, components, stride } = plan;
  const out = new Float32Array(source.count * components);
  const names = new Uint32Array(queryRows);
  let waiting = 0;
  let picked = 0;
  let seen = 0;
  let placed = 0;
  const flush = async (): Promise<void> => {
    const places = await placeQueries(engine, parts, positions, waiting, { signal }, (row) => names[row]!);
    for (let i = 0; i < waiting; i++)
      out.set(places.subarray(i * components, (i + 1) * components), names[i]! * components);
    placed += waiting;
    waiting = 0;
    progress?.('placing', placed, source.count - picks.length);
  };
  for await (const chunk of source.chunks(signal)) {
    signal?.throwIfAborted();
    const count = chunkRows(chunk, channels, seen, source.count);
    for (let row = 0; row < count;) {
      if (picks[picked] === seen + row) {
        out.set(embedding.subarray(picked * components, (picked + 1) * components), (seen + row) * components);
        picked++;
        row++;
        continue;
      }
      const end = Math.min(count, row + queryRows - waiting, picked < picks.length ? picks[picked]! - seen : Infinity);
      for (let i = row; i < end; i++) names[waiting + i - row] = seen + i;
      await engine.writeRows(
        plan.queries + waiting * stride * 4,
        chunk.subarray(row * channels, end * channels),
        channels,
        stride,
      );
      waiting += end - row;
      row = end;
      if (waiting === queryRows) await flush();
    }
    seen += count;
    await pause();
  }
  if (waiting > 0) await flush();
  return out;
}
