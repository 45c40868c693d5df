// A PCA in parts: tokens that come become pieces, pieces of neighbours join, and all of them together are solved.

import { InputError } from '@deepearth/core/errors';
import { builtUrl } from '@deepearth/core/built-url';
import type { Progress } from '../models/model.ts';
import type { Running } from '../run/reduction.ts';
import { discard } from '../shared/discard.ts';
import { runSliced, type Sliced } from '../shared/pace.ts';
import { startWorker } from '@deepearth/core/worker-client';
import { requireFinite } from '../tokens/finite.ts';
import { covarianceEngine, type CovarianceEngine, type PcaEngine } from './covariance-engine.ts';
import type { MlPcaRequest } from './ml-pca-worker.ts';
import { addMoments, blockRows, noMoments, type BlockProducts } from './moments.ts';
import { Pieces, type Piece, type Rows } from './pieces.ts';
import type { Precision, Principal } from './principal.ts';
import { countRowSizes, joinRowSizes, refuseFarRows, type RowSizes } from './row-sizes.ts';

/** The content of a PCA's part. */
export interface PcaContent {
  /** `float32` where any products are. */
  readonly precision: Precision;
  /** In the order of their tokens. */
  readonly pieces: readonly Piece[];
  /** Absent in parts that were made before they were counted. */
  readonly sizes?: RowSizes;
}

export interface PcaCollectorOptions {
  readonly channels: number;
  /** The number of the first token over the whole input. */
  readonly from: number;
  readonly engine: PcaEngine;
  /** How many tokens will come, for progress. */
  readonly total?: number | null;
  readonly signal?: AbortSignal | undefined;
  readonly progress?: Progress | undefined;
}

/** Makes pieces of tokens that come in chunks. */
export interface PcaCollector {
  /**
   * Takes `[rows, channels]`, the valid ones of the tokens that `valid` describes; the values are copied. Throws an
   * `InputError` for NaN and infinity.
   */
  add(rows: Rows, valid?: Uint8Array): Promise<void>;
  finish(): Promise<PcaContent>;
  close(): Promise<void>;
}

const precisionOf = ({ bands }: BlockProducts): Precision =>
  bands.some(({ values }) => values instanceof Float32Array) ? 'float32' : 'float64';

/** Starts to collect; how tokens are cut into chunks changes no byte of what is found. */
export function pcaCollector(options: PcaCollectorOptions): PcaCollector {
  const { channels, from, total = null, signal, progress } = options;
  const kept = options.engine === 'ml-pca';
  const rowsAtOnce = blockRows(channels);
  const pieces = new Pieces(channels);
  const sizes = countRowSizes();
  const run = <T>(work: Sliced<T>): Promise<T> => runSliced(work, signal);
  let precision: Precision = 'float64';
  let engine: CovarianceEngine | undefined;
  let block: Rows | undefined;
  let filled = 0;
  let seen = 0;
  /** Numbers of the first token in the block, and of the next one that comes. */
  let first = from;
  let next = from;

  /** Takes what is in the block, which reaches to its end or to that of the input. */
  const flush = async (): Promise<void> => {
    const whole = next - first === rowsAtOnce;
    const rows = filled === block?.length ? block : (block?.slice(0, filled) ?? new Float32Array(0));
    block = undefined;
    filled = 0;
    const piece = { kind: 'rows', from: first, to: next, rows } as const;
    const index = first / rowsAtOnce;
    first = next;
    if (!whole || kept) return pieces.append(piece, run);
    if (rows.length === 0) {
      // Pieces stand in the order of their tokens: products that are under way come first.
      await engine?.drain();
      return pieces.append({ kind: 'block', index }, run);
    }
    engine ??= await covarianceEngine(options.engine as Exclude<PcaEngine, 'ml-pca'>, {
      channels,
      signal,
      rows: undefined,
    });
    block = await engine.add(rows, async (products) => {
      if (precisionOf(products) === 'float32') precision = 'float32';
      const node = { kind: 'block', index, products } as const;
      await pieces.append(node, run);
      if (!pieces.list.includes(node)) for (const { values } of products.bands) discard(values.buffer);
    });
    if (block && block.length < rowsAtOnce * channels) block = undefined;
  };

  return {
    async add(rows, valid) {
      signal?.throwIfAborted();
      requireFinite(rows, channels, 'tokens', seen);
      const start = next;
      sizes.add(rows, channels, (row) => start + (valid ? nthValid(valid, row) : row));
      const count = rows.length / channels;
      seen += count;
      const tokens = valid?.length ?? count;
      let row = 0;
      for (let token = 0; token < tokens;) {
        const end = Math.min(tokens, token + rowsAtOnce - (next % rowsAtOnce));
        const take = valid ? validIn(valid, token, end) : end - token;
        if (take > 0) {
          if (!block || (rows instanceof Float64Array && block instanceof Float32Array))
            block = widened(block, filled, rows, rowsAtOnce * channels);
          block.set(rows.subarray(row * channels, (row + take) * channels), filled);
          filled += take * channels;
          row += take;
        }
        next += end - token;
        token = end;
        if (next % rowsAtOnce === 0) await flush();
      }
      progress?.('fit', seen, total);
    },
    async finish() {
      await engine?.drain();
      if (next > first) await flush();
      await engine?.release();
      return { precision, pieces: pieces.list, sizes: sizes.sizes() };
    },
    close: async () => engine?.close(),
  };
}

function validIn(valid: Uint8Array, from: number, to: number): number {
  let count = 0;
  for (let token = from; token < to; token++) if (valid[token]) count++;
  return count;
}

/** The place of the token that a row is of. */
function nthValid(valid: Uint8Array, row: number): number {
  let left = row;
  return valid.findIndex((share) => share > 0 && left-- === 0);
}

/** The block to go on with: of the kind that holds `rows` without loss, with what was in the former one. */
function widened(former: Rows | undefined, filled: number, rows: Rows, length: number): Rows {
  const block = rows instanceof Float64Array ? new Float64Array(length) : new Float32Array(length);
  if (former) block.set(former.subarray(0, filled));
  return block;
}

/** Joins the pieces of neighbours. */
export async function mergePca(
  contents: readonly PcaContent[],
  channels: number,
  engine: PcaEngine,
  { signal }: Running,
): Promise<PcaContent> {
  const pieces = new Pieces(channels);
  let precision: Precision = contents.some((content) => content.precision === 'float32') ? 'float32' : 'float64';
  let multiplier: CovarianceEngine | undefined;
  const multiply = async (rows: Rows): Promise<BlockProducts> => {
    multiplier ??= await covarianceEngine(engine as Exclude<PcaEngine, 'ml-pca'>, {
      channels,
      signal,
      rows: undefined,
    });
    let made: BlockProducts | undefined;
    await multiplier.add(rows.slice(), async (products) => void (made = products));
    await multiplier.drain();
    if (precisionOf(made!) === 'float32') precision = 'float32';
    return made!;
  };
  try {
    for (const content of contents)
      for (const piece of content.pieces)
        await pieces.append(piece, (work) => runSliced(work, signal), engine === 'ml-pca' ? undefined : multiply);
    await multiplier?.release();
    const sizes = contents.flatMap((content) => content.sizes ?? []);
    return {
      precision,
      pieces: pieces.list,
      ...(sizes.length === contents.length && sizes.length > 0 && { sizes: joinRowSizes(sizes) }),
    };
  } catch (error) {
    await multiplier?.close();
    throw error;
  }
}

/** Solves for the first components of an input that is all in `content`. Throws as `refuseFarRows` does. */
export async function solvePca(
  content: PcaContent,
  { channels, components, engine, count }: { channels: number; components: number; engine: PcaEngine; count: number },
  { signal }: Running,
): Promise<Principal> {
  if (content.sizes) refuseFarRows(content.sizes);
  if (engine === 'ml-pca') return solveByMlPca(content.pieces, channels, components, signal);
  const pieces = new Pieces(channels);
  const run = <T>(work: Sliced<T>): Promise<T> => runSliced(work, signal);
  for (const piece of content.pieces) await pieces.append(piece, run);
  const tail = pieces.list.at(-1);
  const rows = tail?.kind === 'rows' && tail.rows.length > 0 ? tail.rows : undefined;
  const alone = rows !== undefined && pieces.list.length === 1;
  const solver = await covarianceEngine(engine, { channels, signal, rows: alone ? count : undefined });
  try {
    let last: BlockProducts | undefined;
    if (rows) await solver.add(rows.slice(), async (products) => void (last = products));
    await solver.drain();
    const precision = last && precisionOf(last) === 'float32' ? 'float32' : content.precision;
    let moments = await run(pieces.total(last));
    if (precision === 'float32') {
      // Models that were saved so far had their means rounded once more on the way to the thread; their bytes stay.
      const sums = moments;
      moments = noMoments(channels);
      await run(addMoments(moments, sums));
    }
    const solved = await solver.solve(moments, components, precision);
    await solver.release();
    return solved;
  } catch (error) {
    await solver.close();
    throw error;
  }
}

/** ml-pca calls nothing native and cannot be interrupted: its thread is ended at once. */
async function solveByMlPca(
  pieces: readonly Piece[],
  channels: number,
  components: number,
  signal: AbortSignal | undefined,
): Promise<Principal> {
  const blocks = pieces.map((piece) => {
    if (piece.kind !== 'rows')
      throw new InputError('parts', 'were made by another engine, and ml-pca takes all tokens.', { code: 'E_PARTS' });
    return piece.rows;
  });
  const worker = await startWorker(builtUrl('./ml-pca-worker.js', import.meta.url), { signal });
  try {
    return await worker.request<Principal>('solve', { channels, components, blocks } satisfies MlPcaRequest);
  } finally {
    await worker.close();
  }
}
