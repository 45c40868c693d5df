// A fitted UMAP: places further tokens, can be taken apart into tensors and put together again.

import { InputError } from '@deepearth/core/errors';
import { tensor } from '@deepearth/core/tensor';
import { rowCount, type FittedReducer, type Json, type ModelState } from '../model.ts';
import { openEngine, type Engine } from './engine.ts';
import type { Curve } from './curve.ts';
import { candidates, refuseBad, seedWord, turnRows, type SearchFacts } from './fit.ts';
import type { Settled } from './options.ts';
import { axisRows, queryRows, type Plan } from './plan.ts';
import { evenly, type Running } from './running.ts';

/** What was found out while fitting. */
export interface UmapFacts extends SearchFacts {
  /** Tokens that were fitted; the others were placed by them. */
  readonly fitted: number;
  /** Neighbours that were used: fewer than asked for where there are too few tokens. */
  readonly neighbors: number;
  /** Edges of the fuzzy set in both directions, and those left for the layout. */
  readonly edges: number;
  readonly scheduled: number;
  readonly threads: number;
}

export interface UmapModel extends FittedReducer {
  readonly kind: 'umap';
  readonly facts: UmapFacts;
  readonly curve: Curve;
  close(): Promise<void>;
}

/** All that placing needs. */
export interface FittedParts {
  readonly plan: Plan;
  readonly options: Settled;
  readonly curve: Curve;
  readonly facts: UmapFacts;
  /** `[rows, components]`. */
  readonly embedding: Float32Array;
  /** The prepared rows `[rows, channels]`, where they do not stand in `memory`. */
  readonly tokens?: Float32Array;
  /** The memory of the fit, rows and forces in place. */
  readonly memory?: WebAssembly.Memory;
}

/** Version of what `state` answers. */
const stateVersion = 1;
/** A model that nobody asks for this long lets its threads go. */
const idleMilliseconds = 3000;

/** Places the rows of `engine`'s query area: `count` of them, written there before. Answers `[count, components]`. */
export async function placeQueries(
  engine: Engine,
  parts: Pick<FittedParts, 'plan' | 'options' | 'facts'>,
  embedding: number,
  count: number,
  running: Running,
  name: (row: number) => number,
): Promise<Float32Array> {
  const { plan, options, facts } = parts;
  const common = { plan, metric: options.metric, queries: count };
  refuseBad(await engine.run('prepare', common, { signal: running.signal }), name);
  await engine.run('quantize', common, { signal: running.signal });
  if (facts.arithmetic === 'axes') await engine.run('turn', { plan, onnx: options.products === 'auto', queries: count }, { signal: running.signal });
  const { exact } = await candidates(engine, plan, facts.arithmetic, options, running, count, 'placing');
  if (!exact) await candidates(engine, plan, 'float32', options, running, count, 'placing'); // a model of another machine
  await engine.run('rank', common, { signal: running.signal });
  await engine.run(
    'place',
    {
      ...common,
      embedding,
      epochs: options.placeEpochs,
      alpha: options.learningRate / 4,
      negatives: options.negativeSampleRate,
      seed: seedWord(options.seed),
      connectivity: Math.max(0, options.localConnectivity - 1),
    },
    { signal: running.signal },
  );
  return narrow(await engine.read(plan.queryPositions, count * plan.lanes), plan.lanes, plan.components);
}

/** `[rows, lanes]` to `[rows, components]`. */
export function narrow(positions: Float32Array, lanes: number, components: number): Float32Array {
  if (lanes === components) return positions;
  const out = new Float32Array((positions.length / lanes) * components);
  for (let i = 0, at = 0; i < positions.length; i += lanes, at += components) out.set(positions.subarray(i, i + components), at);
  return out;
}

/** `[rows, components]` to `[rows, lanes]`. */
function widen(embedding: Float32Array, lanes: number, components: number): Float32Array {
  const out = new Float32Array((embedding.length / components) * lanes);
  for (let i = 0, at = 0; at < embedding.length; i += lanes) for (let c = 0; c < components; c++) out[i + c] = embedding[at++]!;
  return out;
}

/** Makes a model of the parts of a fit. */
export function fittedUmap(parts: FittedParts): UmapModel {
  const { plan, options, curve, facts, embedding } = parts;
  const { channels, components } = plan;
  let engine: Promise<Engine> | undefined;
  let idle: ReturnType<typeof setTimeout> | undefined;
  let queue: Promise<unknown> = Promise.resolve();

  const open = async (): Promise<Engine> => {
    const { memory } = parts;
    const opened = await openEngine({ bytes: plan.end, threads: plan.threads, workers: options.workers, ...(memory ? { memory } : {}) });
    if (!memory) {
      await opened.writeRows(plan.tokens, parts.tokens!, channels, plan.stride);
      const common = { plan, metric: options.metric };
      await opened.run('mark', common);
      const picks = evenly(plan.rows, axisRows);
      await opened.write(plan.picks, picks);
      await opened.run('mean', { ...common, count: picks.length });
      await opened.run('quantize', common);
      if (facts.arithmetic === 'axes') await turnRows(opened, plan, options, {});
      await opened.run('forces', { ...common, ...curve, repulsion: options.repulsionStrength });
    }
    await opened.write(plan.positions, widen(embedding, plan.lanes, components));
    return opened;
  };
  const close = async (): Promise<void> => {
    clearTimeout(idle);
    const former = engine;
    engine = undefined;
    await queue.catch(() => undefined);
    await (await former?.catch(() => undefined))?.close();
  };
  const rest = async (): Promise<void> => {
    (await engine)?.hold(false);
    idle = setTimeout(() => void close(), idleMilliseconds);
    (idle as { unref?: () => void }).unref?.();
  };

  const placeAll = async (chunk: Float32Array, signal: AbortSignal | undefined): Promise<Float32Array> => {
    const rows = rowCount(chunk, channels);
    signal?.throwIfAborted();
    if (rows === 0) return new Float32Array(0);
    clearTimeout(idle);
    const running = await (engine ??= open());
    running.hold(true);
    try {
      const out = new Float32Array(rows * components);
      for (let from = 0; from < rows; from += queryRows) {
        const count = Math.min(queryRows, rows - from);
        await running.writeRows(plan.queries, chunk.subarray(from * channels, (from + count) * channels), channels, plan.stride);
        out.set(await placeQueries(running, parts, plan.positions, count, { signal }, (row) => from + row), from * components);
      }
      return out;
    } finally {
      await rest();
    }
  };

  return {
    kind: 'umap',
    channels,
    components,
    meaning: 'coordinates',
    facts,
    curve,
    transform(chunk, signal) {
      const answer = queue.then(
        () => placeAll(chunk, signal),
        () => placeAll(chunk, signal),
      );
      queue = answer.catch(() => undefined);
      return answer;
    },
    state(): ModelState {
      const { workers: _workers, threads: _threads, ...kept } = options;
      return {
        kind: 'umap',
        tensors: {
          tokens: tensor('float32', [plan.rows, channels], parts.tokens ?? preparedRows(parts.memory!, plan)),
          embedding: tensor('float32', [plan.rows, components], embedding),
        },
        metadata: { version: stateVersion, options: kept as unknown as Json, curve: { a: curve.a, b: curve.b }, facts: facts as unknown as Json },
      };
    },
    close,
  };
}

function preparedRows(memory: WebAssembly.Memory, { tokens, rows, stride, channels }: Plan): Float32Array {
  const out = new Float32Array(rows * channels);
  for (let i = 0; i < rows; i++) out.set(new Float32Array(memory.buffer, tokens + i * stride * 4, channels), i * channels);
  return out;
}

/** Throws an `InputError` unless a state has the parts and shapes of this version. */
export function checkState(
  { kind, tensors, metadata }: ModelState,
  subject: string,
): { tokens: Float32Array; embedding: Float32Array; options: Settled; curve: Curve; facts: UmapFacts; rows: number } {
  if (kind !== 'umap') throw new InputError(subject, `holds a ${kind} model, not a UMAP.`);
  if (metadata['version'] !== stateVersion)
    throw new InputError(subject, `is a UMAP model of version ${String(metadata['version'])}; this program reads version ${stateVersion}.`);
  const { tokens, embedding } = tensors;
  const options = metadata['options'] as unknown as Settled | undefined;
  const curve = metadata['curve'] as unknown as Curve | undefined;
  const facts = metadata['facts'] as unknown as UmapFacts | undefined;
  if (!tokens || !embedding || !options || !curve || !facts)
    throw new InputError(subject, 'is not whole: tokens, embedding, options, curve and facts belong to a UMAP model.');
  const rows = tokens.shape[0]!;
  if (
    tokens.dtype !== 'float32' ||
    embedding.dtype !== 'float32' ||
    tokens.shape.length !== 2 ||
    embedding.shape.length !== 2 ||
    embedding.shape[0] !== rows ||
    tokens.shape[1] !== options.channels ||
    embedding.shape[1] !== options.components
  ) {
    throw new InputError(
      subject,
      `its tokens [${tokens.shape.join(', ')}] ${tokens.dtype} and embedding [${embedding.shape.join(', ')}] ${embedding.dtype} do not belong together.`,
    );
  }
  return { tokens: tokens.data as Float32Array, embedding: embedding.data as Float32Array, options, curve, facts, rows };
}
