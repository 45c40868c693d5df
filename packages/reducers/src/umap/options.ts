// The options of UMAP, their defaults, and the form of its tokens.

import { rowCount, type Progress } from '../models/model.ts';
import type { Metric } from './plan.ts';

/** Tokens that come in chunks; asked for twice when a sample is fitted and the others are placed. */
export interface TokenChunks {
  readonly count: number;
  /** All rows in order, `[rows, channels]` a chunk; a chunk may be reused once the next one is asked for. */
  chunks(signal?: AbortSignal): AsyncIterable<Float32Array>;
  /**
   * Digests of the rows as they came, `[count, 2]` (see `rowDigests`), where these are rounded: both are known to the
   * model then.
   */
  readonly origins?: Uint32Array;
}

/** Options of `umap`, with the names and, where not said otherwise, the meaning that they have in umap-learn. */
export interface UmapOptions {
  /** Numbers per token. */
  readonly channels: number;
  /** Coordinates per token; 3. */
  readonly components?: number;
  /** Nearest tokens, itself included, that make a neighbourhood; 15. Fewer tokens than that: all others. */
  readonly neighbors?: number;
  /** How close tokens may lie together in the result; 0.1. */
  readonly minDist?: number;
  /** Scale of the result; 1. */
  readonly spread?: number;
  /** Distance between tokens; cosine. */
  readonly metric?: Metric;
  /** Epochs of the layout; 200 (umap-learn: 500 up to 10,000 tokens, else 200). */
  readonly epochs?: number;
  /**
   * Where the layout starts: principal axes (the default, cheap and stable), the graph's spectrum as umap-learn, or
   * chance.
   */
  readonly init?: 'pca' | 'spectral' | 'random';
  /** 1 takes the union of neighbourhoods, 0 the intersection. */
  readonly setOpMixRatio?: number;
  /** Neighbours that count as fully connected; 1. */
  readonly localConnectivity?: number;
  /** Weight of the repulsion; 1. */
  readonly repulsionStrength?: number;
  /** Negative samples for each positive one (repulsions for each attraction); 5. */
  readonly negativeSampleRate?: number;
  /** Step of the first epoch; 1. */
  readonly learningRate?: number;
  /** Any whole number; 42. Same seed, same bytes, whatever the number of threads. */
  readonly seed?: number;
  /** Worker threads; the processor's, at most 8. */
  readonly threads?: number;
  /** With more tokens than this, a sample is fitted and the others are placed by it; 40,000. */
  readonly maxFitTokens?: number;
  /** Size of that sample, spread evenly over all tokens; 20,000. */
  readonly sampleTokens?: number;
  /** Epochs in which a new token is placed; 30. */
  readonly placeEpochs?: number;
  /**
   * How candidates are searched, before exact distances decide: in 8 bits on 256 axes of the tokens (640 channels and
   * 2,048 tokens or more), in 8 bits, in float32, or (auto) the quickest of them that misses no more than 1 in 1,000
   * neighbours of some rows that are searched exhaustively; few tokens are always compared in float32.
   */
  readonly search?: 'auto' | 'axes' | 'int8' | 'float32';
  /** Whether products go through ONNX Runtime; auto takes it where it is installed. */
  readonly products?: 'auto' | 'wasm';
  /** False: no worker threads, everything in small slices beside the caller. */
  readonly workers?: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly progress?: Progress | undefined;
}

export type Settled = Required<Omit<UmapOptions, 'signal' | 'progress' | 'threads'>> & Pick<UmapOptions, 'threads'>;

const defaults = {
  components: 3,
  neighbors: 15,
  minDist: 0.1,
  spread: 1,
  metric: 'cosine',
  epochs: 200,
  init: 'pca',
  setOpMixRatio: 1,
  localConnectivity: 1,
  repulsionStrength: 1,
  negativeSampleRate: 5,
  learningRate: 1,
  seed: 42,
  maxFitTokens: 40_000,
  sampleTokens: 20_000,
  placeEpochs: 30,
  search: 'auto',
  products: 'auto',
  workers: true,
} as const;

const whole: Partial<Record<keyof Settled, number>> = {
  channels: 1,
  components: 1,
  neighbors: 2,
  epochs: 1,
  negativeSampleRate: 0,
  threads: 1,
  maxFitTokens: 2,
  sampleTokens: 2,
  placeEpochs: 1,
};

/** Fills in defaults. Throws a `RangeError` that names the option and its value. */
export function settle({ signal: _signal, progress: _progress, ...given }: UmapOptions): Settled {
  const options = {
    ...defaults,
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
  } as unknown as Settled;
  for (const [name, least] of Object.entries(whole) as [keyof Settled, number][]) {
    const value = options[name];
    if (value === undefined && name === 'threads') continue;
    if (!(Number.isSafeInteger(value) && (value as number) >= least))
      throw new RangeError(`${name} is ${String(value)}, it has to be a whole number from ${least}`);
  }
  if (!(options.setOpMixRatio >= 0 && options.setOpMixRatio <= 1))
    throw new RangeError(`setOpMixRatio is ${options.setOpMixRatio}, it has to lie between 0 and 1`);
  for (const name of ['localConnectivity', 'repulsionStrength', 'learningRate'] as const) {
    if (!(options[name] >= 0 && Number.isFinite(options[name])))
      throw new RangeError(`${name} is ${options[name]}, it has to be a number from 0`);
  }
  if (!Number.isSafeInteger(options.seed)) throw new RangeError(`seed is ${options.seed}, it has to be a whole number`);
  return options;
}

/** Pieces of an array that is at hand: a megabyte or so, copied between two breaths of the caller. */
const pieceRows = 256;

/** Tokens at hand as chunks. Throws an `InputError` when they are no whole number of rows. */
export function asChunks(tokens: Float32Array | TokenChunks, channels: number): TokenChunks {
  if (!(tokens instanceof Float32Array)) return tokens;
  return {
    count: rowCount(tokens, channels),
    async *chunks() {
      for (let at = 0; at < tokens.length; at += pieceRows * channels)
        yield tokens.subarray(at, at + pieceRows * channels);
    },
  };
}
