// Principal component analysis of tokens that come in chunks: exact, in one pass, with the memory of the covariance
// only.

import { InputError } from '@deepearth/core/errors';
import { tensor } from '@deepearth/core/tensor';
import type { Running } from '../run/reduction.ts';
import type { PcaEngine } from './covariance-engine.ts';
import { pcaCollector, solvePca, type PcaContent } from './pca-part.ts';
import { firstNotFinite, overflown, requireFinite } from '../tokens/finite.ts';
import { rowCount, type FittedReducer, type ModelState, type Progress } from '../models/model.ts';
import { pause, runSliced, type Sliced } from '../shared/pace.ts';
import { blockRows } from './moments.ts';
import type { Principal } from './principal.ts';
import { projectRows } from '../shared/project-rows.ts';

/** Options of `pca` and `pcaFit`. */
export interface PcaOptions {
  /** Numbers per token. */
  readonly channels: number;
  /** How many components to keep; 3 by default. */
  readonly components?: number;
  /** Divides each component by its standard deviation, so that all spread alike. */
  readonly whiten?: boolean;
  /**
   * `auto` takes ONNX Runtime in a worker where there is one and the tokens are wide enough to need it, else typed
   * arrays.
   */
  readonly engine?: PcaEngine;
  /** How many tokens will come, for progress. */
  readonly total?: number;
  readonly signal?: AbortSignal | undefined;
  readonly progress?: Progress | undefined;
}

/**
 * A fitted PCA. `components` is `[components, channels]`, rows of length 1 (zeros where the tokens do not vary any
 * more).
 */
export interface PcaModel extends FittedReducer {
  readonly kind: 'pca';
  readonly whiten: boolean;
  /** Tokens it was fitted to. */
  readonly samples: number;
  readonly mean: Float64Array;
  readonly loadings: Float64Array;
  readonly explainedVariance: Float64Array;
  /** Shares of the variance of all channels; zeros when there is none. */
  readonly explainedVarianceRatio: Float64Array;
  readonly singularValues: Float64Array;
  /** Mean variance of the components that were left out. */
  readonly noiseVariance: number;
  /** `transform` in float64, at once: `[rows, channels]` to `[rows, components]`. */
  project(rows: Float32Array | Float64Array): Float64Array;
  inverse(chunk: Float32Array, signal?: AbortSignal): Promise<Float32Array>;
}

/** A fit in progress. */
export interface PcaFit {
  /**
   * Takes `[rows, channels]`; the values are copied. Throws an `InputError` for a wrong width and for NaN or infinity.
   */
  add(rows: Float32Array | Float64Array): Promise<void>;
  /** Solves. Throws an `InputError` when no token came. */
  finish(): Promise<PcaModel>;
  /** Gives up (after an error); `finish` does it by itself. */
  close(): Promise<void>;
}

/** Starts a fit to tokens that are added chunk by chunk; how they are cut into chunks changes no byte of the result. */
export function pcaFit(options: PcaOptions): PcaFit {
  const { channels, components = 3, whiten = false, engine = 'auto', total, signal, progress } = options;
  if (!(Number.isInteger(channels) && channels > 0))
    throw new RangeError(`channels is ${channels}, it has to be a whole number above 0`);
  if (!(Number.isInteger(components) && components > 0))
    throw new RangeError(`components is ${components}, it has to be a whole number above 0`);
  if (components > channels)
    throw new InputError('tokens', `${components} components were asked of ${channels} channels.`, {
      remedy: `Ask for ${channels} or fewer.`,
    });
  const collector = pcaCollector({ channels, from: 0, engine, total: total ?? null, signal, progress });
  let seen = 0;
  return {
    async add(rows) {
      seen += rowCount(rows as Float32Array, channels);
      await collector.add(rows);
    },
    async finish() {
      try {
        const content = await collector.finish();
        return await fitPca(content, { channels, components, whiten, engine, count: seen }, { signal });
      } finally {
        await collector.close();
      }
    },
    close: () => collector.close(),
  };
}

/** Solves for what the pieces of a whole input hold. Throws an `InputError` when there is no token. */
export async function fitPca(
  content: PcaContent,
  options: { channels: number; components: number; whiten: boolean; engine: PcaEngine; count: number },
  running: Running,
): Promise<PcaModel> {
  if (options.count === 0) throw new InputError('tokens', 'there are none to fit a PCA to.', { code: 'E_NO_TOKENS' });
  return pcaModel(await solvePca(content, options, running), options);
}

/** Tokens as rows of `channels` numbers, one after another. */
export type Rows = Float32Array | Float64Array;

/**
 * Fits a PCA to `[tokens, channels]`, or to a stream of such chunks:
 *
 *     const model = await pca(tokens, { channels: 1408, components: 3 });
 *     const colours = await model.transform(tokens);
 */
export async function pca(tokens: Rows | Iterable<Rows> | AsyncIterable<Rows>, options: PcaOptions): Promise<PcaModel> {
  const whole = tokens instanceof Float32Array || tokens instanceof Float64Array;
  const fit = pcaFit(whole ? { total: tokens.length / options.channels, ...options } : options);
  const piece = (blockRows(options.channels) / 4) * options.channels;
  try {
    if (whole) {
      rowCount(tokens as Float32Array, options.channels);
      for (let at = 0; at < tokens.length; at += piece) {
        await fit.add(tokens.subarray(at, at + piece));
        await pause();
      }
    } else {
      for await (const chunk of tokens) await fit.add(chunk);
    }
    return await fit.finish();
  } catch (error) {
    await fit.close();
    throw error;
  }
}

function pcaModel(
  principal: Principal,
  { channels, components, whiten }: { channels: number; components: number; whiten: boolean },
): PcaModel {
  const { count, mean, components: loadings, variances, totalVariance } = principal;
  const kept = variances.reduce((sum, value) => sum + value, 0);
  const others = Math.min(count, channels) - components;
  return restorePca({
    kind: 'pca',
    tensors: {
      mean: tensor('float64', [channels], mean),
      components: tensor('float64', [components, channels], loadings),
      explained_variance: tensor('float64', [components], variances),
    },
    metadata: {
      whiten,
      samples: count,
      totalVariance,
      noiseVariance: others > 0 ? Math.max(0, totalVariance - kept) / others : 0,
    },
  });
}

/** The model of a saved state. Throws an `InputError` when parts are missing or do not fit each other. */
export function restorePca(state: ModelState, subject = 'the PCA model'): PcaModel {
  const { mean: meanTensor, components: loadingTensor, explained_variance: varianceTensor } = state.tensors;
  const { whiten, samples, totalVariance, noiseVariance } = state.metadata;
  const [components, channels] = loadingTensor?.shape ?? [];
  const whole =
    [meanTensor, loadingTensor, varianceTensor].every((t) => t?.dtype === 'float64') &&
    channels !== undefined &&
    components !== undefined &&
    meanTensor!.data.length === channels &&
    varianceTensor!.data.length === components &&
    typeof whiten === 'boolean' &&
    [samples, totalVariance, noiseVariance].every((value) => typeof value === 'number');
  if (!whole)
    throw new InputError(
      subject,
      'is no whole PCA model: tensors mean, components and explained_variance (float64) and its numbers have to be there.',
      { code: 'E_REDUCER_FILE' },
    );
  const mean = meanTensor!.data as Float64Array;
  const loadings = loadingTensor!.data as Float64Array;
  const explainedVariance = varianceTensor!.data as Float64Array;
  const count = samples as number;
  const scales = Float64Array.from(explainedVariance, (variance) =>
    !whiten ? 1 : variance > 0 ? 1 / Math.sqrt(variance) : 0,
  );
  /** `[channels, components]`, scaled: a token's channel meets all its weights at once. */
  const weights = new Float64Array(components! * channels!);
  for (let k = 0; k < components!; k++)
    for (let j = 0; j < channels!; j++) weights[j * components! + k] = loadings[k * channels! + j]! * scales[k]!;

  const projected = function* <Out extends Float32Array | Float64Array>(
    rows: Float32Array | Float64Array,
    out: Out,
  ): Sliced<Out> {
    const count = rows.length / channels!;
    const several = Math.max(1, Math.floor(200_000 / channels!));
    for (let first = 0; first < count; first += several) {
      projectRows(rows, mean, weights, channels!, components!, first, Math.min(count, first + several), out);
      yield;
    }
    return out;
  };
  const restored = function* (rows: Float32Array): Sliced<Float32Array> {
    const count = rows.length / components!;
    const out = new Float32Array(count * channels!);
    const values = new Float64Array(channels!);
    for (let r = 0; r < count; r++) {
      values.set(mean);
      for (let k = 0; k < components!; k++) {
        const factor = scales[k]! === 0 ? 0 : rows[r * components! + k]! / scales[k]!;
        for (let j = 0; j < channels!; j++) values[j]! += factor * loadings[k * channels! + j]!;
      }
      out.set(values, r * channels!);
      if (r % 64 === 63) yield;
    }
    return out;
  };
  const explainedVarianceRatio = explainedVariance.map((variance) =>
    (totalVariance as number) > 0 ? variance / (totalVariance as number) : 0,
  );
  return {
    kind: 'pca',
    channels: channels!,
    components: components!,
    whiten: whiten as boolean,
    samples: count,
    mean,
    loadings,
    explainedVariance,
    explainedVarianceRatio,
    findings: { explainedVarianceRatio: [...explainedVarianceRatio] },
    singularValues: explainedVariance.map((variance) => Math.sqrt(variance * Math.max(0, count - 1))),
    noiseVariance: noiseVariance as number,
    project(rows) {
      const out = new Float64Array(rowCount(rows as Float32Array, channels!) * components!);
      projectRows(rows, mean, weights, channels!, components!, 0, rows.length / channels!, out);
      return out;
    },
    async transform(chunk, signal, into) {
      const values = rowCount(chunk, channels!) * components!;
      const room = into?.length === values ? into : new Float32Array(values);
      const out = await runSliced(projected(chunk, room), signal);
      // A number that is not finite shows in all components of its row; only then it is looked for.
      if (firstNotFinite(out) >= 0) {
        requireFinite(chunk, channels!);
        throw overflown(subject);
      }
      return out;
    },
    async inverse(chunk, signal) {
      rowCount(chunk, components!, 'projections');
      requireFinite(chunk, components!, 'projections');
      return runSliced(restored(chunk), signal);
    },
    state: () => state,
  };
}
