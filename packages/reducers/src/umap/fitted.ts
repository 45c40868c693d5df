// A fitted UMAP: places further tokens, can be taken apart into tensors and put together again.

import type { KernelMemory } from './kernel.ts';
import { InputError } from '@deepearth/core/errors';
import { tensor, type Tensor } from '@deepearth/core/tensor';
import { digestWords } from '../tokens/row-digests.ts';
import { transformKnown, type Place } from './known-rows.ts';
import { requireFinite } from '../tokens/finite.ts';
import { rowCount, type FittedReducer, type Json, type ModelState } from '../models/model.ts';
import { openEngine, type Engine } from './engine.ts';
import type { Curve } from './curve.ts';
import { candidates, encodeRows, refuseBad, seedWord, type SearchFacts } from './fit.ts';
import { settle, type Settled } from './options.ts';
import { queryRows, type Metric, type Plan } from './plan.ts';
import type { Arithmetic } from './products.ts';
import type { Reach } from './reach-jobs.ts';
import { bringBack, isReached } from './reach.ts';
import type { Running } from './running.ts';

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

/** A fitted UMAP. */
export interface UmapModel extends FittedReducer {
  readonly kind: 'umap';
  readonly facts: UmapFacts;
  readonly curve: Curve;
  /**
   * Tokens for places of the layout, `[rows, components]` to `[rows, channels]`: means of the fitted tokens nearby.
   * Throws an `InputError` for a wrong width and for NaN and infinity (with the row).
   */
  inverse(chunk: Float32Array, signal?: AbortSignal): Promise<Float32Array>;
  close(): Promise<void>;
}

/** Rows as they are compared, and what brings back the tokens they were: row * length + mean. */
export interface PreparedRows {
  /** `[rows, channels]`. */
  readonly tokens: Float32Array;
  /** `[rows]`. */
  readonly lengths: Float32Array;
  /** `[rows]`. */
  readonly means: Float32Array;
}

/** All that placing needs. */
export interface FittedParts {
  readonly plan: Plan;
  readonly options: Settled;
  readonly curve: Curve;
  readonly facts: UmapFacts;
  /** `[rows, components]`. */
  readonly embedding: Float32Array;
  /** Digests of the fitted tokens, and of what they were before they were rounded; absent in models of old. */
  readonly digests?: Uint32Array | undefined;
  readonly origins?: Uint32Array | undefined;
  /** The prepared rows, where they do not stand in `memory`. */
  readonly prepared?: PreparedRows;
  /** The memory of the fit, rows and forces in place, and how far its rows reach. */
  readonly memory?: KernelMemory;
  readonly reach?: Reach;
}

/** Version of what `state` returns. */
const stateVersion = 2;
/** A model that is idle for this long ends its threads. */
const idleMilliseconds = 3000;

/** Places the rows of `engine`'s query area: `count` of them, written there before. Returns `[count, components]`. */
async function placeQueries(
  engine: Engine,
  parts: Pick<FittedParts, 'plan' | 'options' | 'facts' | 'reach'>,
  embedding: number,
  count: number,
  running: Running,
  name: (row: number) => number,
): Promise<Float32Array> {
  const { plan, options, facts } = parts;
  const common = { plan, metric: options.metric, queries: count };
  refuseBad(await engine.run('prepare', common, { signal: running.signal }), name);
  if (parts.reach && isReached(options.metric))
    await engine.run('withinReach', { plan, queries: count, reach: parts.reach }, { signal: running.signal });
  const seek = async (arithmetic: Arithmetic): Promise<boolean> => {
    await encodeRows(engine, plan, arithmetic, options, running, count);
    return (await candidates(engine, plan, arithmetic, options, running, count, 'placing')).exact;
  };
  if (!(await seek(facts.arithmetic))) {
    // The model comes from a machine whose 8-bit sums are exact.
    await encodeRows(engine, plan, 'float32', options, running);
    await seek('float32');
  }
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
  for (let i = 0, at = 0; i < positions.length; i += lanes)
    for (let c = 0; c < components; c++) out[at++] = positions[i + c]!;
  return out;
}

/** `[rows, components]` to `[rows, lanes]`. */
function widen(embedding: Float32Array, lanes: number, components: number): Float32Array {
  const out = new Float32Array((embedding.length / components) * lanes);
  for (let i = 0, at = 0; at < embedding.length; i += lanes)
    for (let c = 0; c < components; c++) out[i + c] = embedding[at++]!;
  return out;
}

/** The same as `transform`; `first` is added to the numbers of tokens in errors. */
export type PlaceFrom = (chunk: Float32Array, first: number, signal?: AbortSignal) => Promise<Float32Array>;

/** Makes a model of the parts of a fit. It goes on with `fitting`, the engine of the fit, where it is given one. */
export function fittedUmap(
  parts: FittedParts,
  fitting?: Engine,
): { readonly model: UmapModel; readonly place: PlaceFrom } {
  const { plan, options, curve, facts, embedding } = parts;
  const { channels, components } = plan;
  const placed = async (opened: Engine): Promise<Engine> => {
    await opened.write(plan.positions, widen(embedding, plan.lanes, components));
    return opened;
  };
  let reached = parts.reach;
  let engine: Promise<Engine> | undefined = fitting && placed(fitting);
  let idle: ReturnType<typeof setTimeout> | undefined;
  let queue: Promise<unknown> = Promise.resolve();

  const open = async (): Promise<Engine> => {
    const { memory } = parts;
    const opened = await openEngine({
      bytes: plan.end,
      threads: plan.threads,
      workers: options.workers,
      ...(memory ? { memory } : {}),
    });
    if (!memory) {
      const { tokens, lengths, means } = parts.prepared!;
      await opened.writeRows(plan.tokens, tokens, channels, plan.stride);
      await opened.write(plan.lengths, lengths);
      await opened.write(plan.means, means);
      const common = { plan, metric: options.metric };
      await opened.run('mark', common);
      const { reach, picks } = await bringBack(opened, plan, options.metric, {});
      reached = reach;
      await opened.write(plan.picks, picks);
      await opened.run('mean', { ...common, count: picks.length });
      await encodeRows(opened, plan, facts.arithmetic, options, {});
      await opened.run('forces', { ...common, ...curve, repulsion: options.repulsionStrength });
    }
    return placed(opened);
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

  /** Runs rows through the engine, as many at a time as it has room for. */
  const inChunks = async (
    chunk: Float32Array,
    [width, outWidth]: readonly [number, number],
    signal: AbortSignal | undefined,
    work: (running: Engine, rows: Float32Array, first: number) => Promise<Float32Array>,
  ): Promise<Float32Array> => {
    const rows = rowCount(chunk, width);
    signal?.throwIfAborted();
    if (rows === 0) return new Float32Array(0);
    clearTimeout(idle);
    const running = await (engine ??= open());
    running.hold(true);
    try {
      const out = new Float32Array(rows * outWidth);
      for (let from = 0; from < rows; from += queryRows) {
        const count = Math.min(queryRows, rows - from);
        out.set(await work(running, chunk.subarray(from * width, (from + count) * width), from), from * outWidth);
      }
      return out;
    } finally {
      await rest();
    }
  };
  /** After what was asked before, whatever became of it. */
  const inTurn = (work: () => Promise<Float32Array>): Promise<Float32Array> => {
    const answer = queue.then(work, work);
    queue = answer.catch(() => undefined);
    return answer;
  };
  const placeAll = (
    chunk: Float32Array,
    signal: AbortSignal | undefined,
    name: (row: number) => number,
  ): Promise<Float32Array> =>
    inChunks(chunk, [channels, components], signal, async (running, rows, first) => {
      await running.writeRows(plan.queries, rows, channels, plan.stride);
      const known = { plan, options, facts, ...(reached && { reach: reached }) };
      return placeQueries(running, known, plan.positions, rows.length / channels, { signal }, (row) =>
        name(first + row),
      );
    });
  const { digests, origins } = parts;
  const known =
    digests && transformKnown({ channels, components }, { digests, origins, embedding, same: sameRow(parts) });
  const placeFrom: PlaceFrom = async (chunk, first, signal) => {
    rowCount(chunk, channels);
    const place: Place = (rows, name) => inTurn(() => placeAll(rows, signal, (row) => first + name(row)));
    return known ? known(chunk, place, signal) : place(chunk, (row) => row);
  };
  const invertAll = (chunk: Float32Array, signal: AbortSignal | undefined): Promise<Float32Array> => {
    rowCount(chunk, components, 'projections');
    requireFinite(chunk, components, 'projections');
    return inChunks(chunk, [components, channels], signal, async (running, rows) => {
      const count = rows.length / components;
      await running.write(plan.queryPositions, widen(rows, plan.lanes, components));
      const connectivity = Math.max(0, options.localConnectivity - 1);
      await running.run('invert', { plan, queries: count, connectivity, embedding: plan.positions }, { signal });
      return narrow(await running.read(plan.queries, count * plan.stride), plan.stride, channels);
    });
  };

  const model: UmapModel = {
    kind: 'umap',
    channels,
    components,
    meaning: 'coordinates',
    findings: {
      fittedTokens: facts.fitted,
      neighbors: facts.neighbors,
      // Of some rows, the share of true neighbours that were found.
      neighborRecall: facts.recall,
      epochs: options.epochs,
    },
    facts,
    curve,
    transform: (chunk, signal) => placeFrom(chunk, 0, signal),
    inverse: (chunk, signal) => inTurn(async () => invertAll(chunk, signal)),
    state(): ModelState {
      const { workers: _workers, threads: _threads, ...kept } = options;
      const { threads: _number, through: _through, ...found } = facts; // what differs between machines but changes no place
      const { tokens, lengths, means } = parts.prepared ?? preparedRows(parts.memory!, plan);
      return {
        kind: 'umap',
        tensors: {
          tokens: tensor('float32', [plan.rows, channels], tokens),
          lengths: tensor('float32', [plan.rows], lengths),
          means: tensor('float32', [plan.rows], means),
          embedding: tensor('float32', [plan.rows, components], embedding),
          ...(digests ? { digests: digestTensor(digests) } : {}),
          ...(origins ? { origins: digestTensor(origins) } : {}),
        },
        metadata: {
          version: stateVersion,
          options: kept as unknown as Json,
          curve: { a: curve.a, b: curve.b },
          facts: found as unknown as Json,
        },
      };
    },
    close,
  };
  return { model, place: placeFrom };
}

function preparedRows(
  { buffer }: KernelMemory,
  { tokens, lengths, means, rows, stride, channels }: Plan,
): PreparedRows {
  const out = new Float32Array(rows * channels);
  for (let i = 0; i < rows; i++) out.set(new Float32Array(buffer, tokens + i * stride * 4, channels), i * channels);
  return {
    tokens: out,
    lengths: new Float32Array(buffer, lengths, rows).slice(),
    means: new Float32Array(buffer, means, rows).slice(),
  };
}

const digestTensor = (digests: Uint32Array): Tensor =>
  tensor('uint32', [digests.length / digestWords, digestWords], digests as Uint32Array<ArrayBuffer>);

/**
 * Compares a token with what the model keeps of a fitted one, up to the rounding of float16 and of what was taken off:
 * enough to tell two tokens apart whose digests are equal by chance.
 */
function sameRow({ memory, prepared, plan }: FittedParts): (token: Float32Array, index: number) => boolean {
  const { channels, stride } = plan;
  const row = (index: number): Float32Array =>
    memory
      ? new Float32Array(memory.buffer, plan.tokens + index * stride * 4, channels)
      : prepared!.tokens.subarray(index * channels, (index + 1) * channels);
  const one = (part: 'lengths' | 'means', index: number): number =>
    memory ? new Float32Array(memory.buffer, plan[part] + index * 4, 1)[0]! : prepared![part][index]!;
  return (token, index) => {
    const kept = row(index);
    const [length, mean] = [one('lengths', index), one('means', index)];
    let largest = 0;
    let off = 0;
    for (let j = 0; j < channels; j++) {
      largest = Math.max(largest, Math.abs(token[j]!));
      off = Math.max(off, Math.abs(token[j]! - (kept[j]! * length + mean)));
    }
    return off <= largest * 2e-3;
  };
}

/** Parts of a model as tensors, and their axes. */
const layout = {
  tokens: ['rows', 'channels'],
  lengths: ['rows'],
  means: ['rows'],
  embedding: ['rows', 'components'],
} as const;

const metrics: ReadonlySet<string> = new Set(['cosine', 'euclidean', 'correlation', 'manhattan'] satisfies Metric[]);

/** Throws an `InputError` for settings that no fit has. */
function refuseOdd(
  options: Settled,
  { a, b }: Curve,
  { neighbors }: Pick<UmapFacts, 'neighbors'>,
  subject: string,
): void {
  const odd = (what: string, cause?: unknown): never => {
    throw new InputError(subject, `is damaged: ${what}.`, { code: 'E_REDUCER_FILE', remedy: 'Fit again.', cause });
  };
  try {
    settle(options);
  } catch (cause) {
    odd(`its ${(cause as Error).message}`, cause);
  }
  if (!metrics.has(options.metric)) odd(`its metric is ${JSON.stringify(options.metric)}`);
  if (!(a > 0 && b > 0)) odd(`its curve is ${JSON.stringify({ a, b })}`);
  if (!(Number.isSafeInteger(neighbors) && neighbors >= 0)) odd(`its neighbors are ${JSON.stringify(neighbors)}`);
}

/** Throws an `InputError` unless a state has the parts and shapes of this version. */
export function checkState(
  { kind, tensors, metadata }: ModelState,
  subject: string,
): {
  prepared: PreparedRows;
  embedding: Float32Array;
  options: Settled;
  curve: Curve;
  facts: Omit<UmapFacts, 'threads' | 'through'>;
  rows: number;
  digests: Uint32Array | undefined;
  origins: Uint32Array | undefined;
} {
  if (kind !== 'umap') throw new InputError(subject, `holds a ${kind} model, not a UMAP.`, { code: 'E_REDUCER_FILE' });
  if (metadata['version'] !== stateVersion)
    throw new InputError(
      subject,
      `is a UMAP model of version ${String(metadata['version'])}; this program reads version ${stateVersion}.`,
      { code: 'E_REDUCER_VERSION', remedy: 'Update @deepearth/reducers, or fit again.' },
    );
  const options = metadata['options'] as unknown as Settled | undefined;
  const curve = metadata['curve'] as unknown as Curve | undefined;
  const facts = metadata['facts'] as unknown as Omit<UmapFacts, 'threads' | 'through'> | undefined;
  const names = Object.keys(layout) as (keyof typeof layout)[];
  if (!names.every((name) => tensors[name]) || !options || !curve || !facts)
    throw new InputError(
      subject,
      `is not whole: ${names.join(', ')}, options, curve and facts belong to a UMAP model.`,
      { code: 'E_REDUCER_FILE' },
    );
  refuseOdd(options, curve, facts, subject);
  const rows = tensors['tokens']!.shape[0]!;
  const sizes = { rows, channels: options.channels, components: options.components };
  const parts = names.map((name) => {
    const { dtype, shape, data } = tensors[name]!;
    const wanted = layout[name].map((axis) => sizes[axis]);
    if (dtype !== 'float32' || shape.join() !== wanted.join())
      throw new InputError(
        subject,
        `its ${name} are [${shape.join(', ')}] ${dtype}, which should be [${wanted.join(', ')}] float32.`,
        { code: 'E_REDUCER_FILE' },
      );
    return data as Float32Array;
  });
  const [tokens, lengths, means, embedding] = parts as [Float32Array, Float32Array, Float32Array, Float32Array];
  const digestsOf = (name: string): Uint32Array | undefined => {
    const found = tensors[name];
    if (!found) return undefined;
    if (found.dtype !== 'uint32' || found.shape.join() !== `${rows},${digestWords}`)
      throw new InputError(subject, `its ${name} are [${found.shape.join(', ')}] ${found.dtype}.`, {
        code: 'E_REDUCER_FILE',
      });
    return found.data as Uint32Array;
  };
  const [digests, origins] = [digestsOf('digests'), digestsOf('origins')];
  return { prepared: { tokens, lengths, means }, embedding, options, curve, facts, rows, digests, origins };
}
