// UMAP: our own engine. Neighbours that are near in many channels lie near in a few coordinates.

import { InputError } from '@deepearth/core/errors';
import type { ModelState } from '../models/model.ts';
import { pause } from '../shared/pace.ts';
import { digestWords, rowDigests } from '../tokens/row-digests.ts';
import { sampledCount, sampledTokens } from '../tokens/sample.ts';
import { joinEqual } from './known-rows.ts';
import { fitCurve } from './curve.ts';
import { planFor, sampleLimits } from './estimate.ts';
import { defaultThreads, openEngine, type Engine } from './engine.ts';
import { findNeighbours, fuzzySet, layOut, prepareRows, start, throughOnnx } from './fit.ts';
import { checkState, fittedUmap, narrow, type PlaceFrom, type PreparedRows, type UmapModel } from './fitted.ts';
import { asChunks, settle, type TokenChunks, type UmapOptions } from './options.ts';
import { queryRows, type Plan } from './plan.ts';
import type { Running } from './running.ts';

export { estimateUmap, type UmapEstimate } from './estimate.ts';
export type { TokenChunks, UmapOptions } from './options.ts';
export type { UmapFacts, UmapModel } from './fitted.ts';
export type { SearchFacts } from './fit.ts';
export type { Metric } from './plan.ts';
export type { Arithmetic } from './products.ts';
export type { Curve } from './curve.ts';

/** What `umap` returns. */
export interface UmapResult {
  /** `[tokens, components]`. */
  readonly embedding: Float32Array;
  /** Places further tokens among these. Its threads end by themselves when it rests; `close()` ends them at once. */
  readonly model: UmapModel;
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
  if (!(source.count > 0)) throw new InputError('tokens', 'there are none to fit.', { code: 'E_NO_TOKENS' });
  const rows = sampledCount(source.count, sampleLimits(options));
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
  const picks = rows < source.count ? sampledTokens(source.count, sampleLimits(options)) : undefined;
  const onnx = throughOnnx(plan, options) && options.search !== 'float32';
  const engine = await openEngine({ bytes: plan.end, threads: plan.threads, workers: options.workers, onnx });
  let handedOn = false;
  try {
    const digests = await load(engine, plan, source, picks, running);
    const reaching = await prepareRows(engine, plan, options, running, (row) => picks?.[row] ?? row);
    const search = await findNeighbours(engine, plan, options, running);
    const [edges, scheduled] = await fuzzySet(engine, plan, options, running, options.epochs);
    await start(engine, plan, options, running, reaching);
    const positions = await layOut(engine, plan, options, curve, running);
    const embedding = narrow(await engine.read(positions, rows * plan.lanes), plan.lanes, plan.components);
    joinEqual(digests, embedding, plan.components);
    const facts = { ...search, fitted: rows, neighbors: plan.neighbors, edges, scheduled, threads: engine.threads };
    const parts = {
      plan,
      options,
      curve,
      facts,
      embedding,
      digests,
      origins: picks || !source.origins || sameDigests(source.origins, digests) ? undefined : source.origins,
      reach: reaching.reach,
      ...(engine.memory ? { memory: engine.memory } : { prepared: await readPrepared(engine, plan) }),
    };
    if (!picks) return { embedding, model: fittedUmap(parts).model };
    handedOn = true;
    const { model, place } = fittedUmap(parts, engine);
    try {
      return { embedding: await placeAll(place, source, plan, running), model };
    } catch (error) {
      await model.close();
      throw error;
    }
  } finally {
    if (!handedOn) await engine.close();
  }
}

/** Puts a model together again. Throws an `InputError` (about `subject`) when its state is not whole. */
export async function restoreUmap(
  state: ModelState,
  subject = 'model',
  running: Pick<UmapOptions, 'threads' | 'workers'> = {},
): Promise<UmapModel> {
  const { prepared, embedding, options, curve, facts, rows, digests, origins } = checkState(state, subject);
  const settled = settle({ ...options, ...running });
  const plan = {
    ...planFor(rows, { ...settled, neighbors: facts.neighbors }, running.threads ?? (await defaultThreads())),
    neighbors: facts.neighbors,
  };
  const here = { threads: plan.threads, through: throughOnnx(plan, settled) ? 'onnxruntime' : 'wasm' } as const;
  const parts = { plan, options: settled, curve, facts: { ...facts, ...here }, embedding, digests, origins, prepared };
  return fittedUmap(parts).model;
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

const sameDigests = (one: Uint32Array, other: Uint32Array): boolean =>
  one.length === other.length && one.every((word, at) => word === other[at]);

/** Reads the rows that are fitted into the engine; returns their digests. */
async function load(
  engine: Engine,
  plan: Plan,
  source: TokenChunks,
  picks: Uint32Array | undefined,
  { signal, progress }: Running,
): Promise<Uint32Array> {
  const { channels, stride } = plan;
  const digests = new Uint32Array(plan.rows * digestWords);
  let seen = 0;
  let written = 0;
  for await (const chunk of source.chunks(signal)) {
    signal?.throwIfAborted();
    const count = chunkRows(chunk, channels, seen, source.count);
    if (picks) {
      for (; written < picks.length && picks[written]! < seen + count; written++) {
        const first = (picks[written]! - seen) * channels;
        const row = chunk.subarray(first, first + channels);
        digests.set(rowDigests(row, channels), written * digestWords);
        await engine.writeRows(plan.tokens + written * stride * 4, row, channels, stride);
      }
    } else {
      digests.set(rowDigests(chunk, channels), written * digestWords);
      await engine.writeRows(plan.tokens + written * stride * 4, chunk, channels, stride);
      written += count;
    }
    seen += count;
    progress?.('reading', seen, source.count);
    await pause();
  }
  if (seen !== source.count) throw new InputError('tokens', `${source.count} were announced, ${seen} came.`);
  return digests;
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

/** Places all tokens: those that were fitted, and the others by them. */
async function placeAll(
  place: PlaceFrom,
  source: TokenChunks,
  { channels, components }: Plan,
  { signal, progress }: Running,
): Promise<Float32Array> {
  const out = new Float32Array(source.count * components);
  const rows = new Float32Array(queryRows * channels);
  let waiting = 0;
  let placed = 0;
  const flush = async (): Promise<void> => {
    out.set(await place(rows.subarray(0, waiting), placed, signal), placed * components);
    placed += waiting / channels;
    waiting = 0;
    progress?.('placing', placed, source.count);
  };
  for await (const chunk of source.chunks(signal)) {
    signal?.throwIfAborted();
    chunkRows(chunk, channels, placed + waiting / channels, source.count);
    for (let at = 0; at < chunk.length;) {
      const take = Math.min(chunk.length - at, rows.length - waiting);
      rows.set(chunk.subarray(at, at + take), waiting);
      at += take;
      waiting += take;
      if (waiting === rows.length) await flush();
    }
    await pause();
  }
  if (waiting > 0) await flush();
  return out;
}
