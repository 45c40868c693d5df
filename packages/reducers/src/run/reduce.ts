// Reduces a file of tokens to a file of projections: what `deepearth reduce` does (Node only).

import { extname } from 'node:path';
import { InputError } from '@deepearth/core/errors';
import { tensor, type Tensor } from '@deepearth/core/tensor';
import { writeNpy } from '@deepearth/formats/npy';
import { writePt } from '@deepearth/formats/pt-writer';
import { encodeSafetensors } from '@deepearth/formats/safetensors';
import { writeFileWhole, type WrittenFile } from '@deepearth/formats/write-file-node';
import { bytesOf } from '@deepearth/core/tensor';
import { defaultScaling, findLimits, type Scaling } from '../colours/limits.ts';
import { loadModel } from '../models/model-file-node.ts';
import { unsealedRemark } from '../models/unsealed-remark.ts';
import { encodeModel } from '../models/model-file.ts';
import type { FittedReducer, Limits, ModelKind } from '../models/model.ts';
import { pause } from '../shared/pace.ts';
import { spreadRows } from '../tokens/projection-spool.ts';
import { openTokenFiles } from '../tokens/token-files-node.ts';
import type { TokenSource } from '../tokens/token-source-node.ts';
import { collectPart } from './collect-part.ts';
import { fitPart } from './parts.ts';
import {
  methodOf,
  optionsOf,
  refuse,
  refuseComponents,
  refuseMemory,
  refuseUnsaved,
  type MethodRequest,
} from './reduce-options.ts';
import type { Running, SavableReduction } from './reduction.ts';
import { reductionOf, restoreReducer } from './reductions.ts';

/** Which tokens, and what they become: with `model` the reducer may be left out. */
export interface ReduceRequest extends Running, MethodRequest {
  /**
   * .npy, .safetensors, .pt or .npz files, one after the other; the last axis of their tensors is the channels. Of
   * files of one shape the result has them as first axis, of others one axis of tokens.
   */
  readonly tokens: string | readonly string[];
  /** Which tensor, where a file holds several and it is not clear. */
  readonly tensor?: string | undefined;
  /**
   * Where to: .npy, .safetensors or .pt. Same axes as the tokens, the last being the components; NaN where a token is
   * masked. A .safetensors file also keeps the tokens' `valid`.
   */
  readonly output: string;
  /** A saved model to transform with instead of fitting. */
  readonly model?: string | undefined;
  /**
   * Goes back: the file holds projections, and tokens are written, as far as `model` can tell them (a PCA exactly
   * within its components, a UMAP by their neighbours).
   */
  readonly inverse?: boolean | undefined;
  /** Where to save the fitted model. */
  readonly modelOut?: string | undefined;
  /** Percentiles of the colour limits that are saved with the model; 1 and 99. */
  readonly scaling?: Scaling | undefined;
  /** Refuse to start when the estimate is more than this; all of the machine's memory by default. */
  readonly maxMemoryBytes?: number | undefined;
}

/** What a reduction would take. */
export interface ReduceEstimate {
  readonly method: ModelKind;
  /** Valid tokens. */
  readonly tokens: number;
  /** Numbers per token of the input. */
  readonly channels: number;
  /** At the peak, for the fit and the output. */
  readonly memoryBytes: number;
}

export interface ReduceResult extends ReduceEstimate {
  /** Numbers per token of the output. */
  readonly components: number;
  /** Shape of the output. */
  readonly shape: readonly number[];
  /** All options that were used, defaults included; absent when a model was loaded. */
  readonly options?: Readonly<Record<string, unknown>>;
  readonly limits: Limits;
  readonly output: WrittenFile;
  readonly modelOut?: WrittenFile;
  /** The share of the variance of each component, for a PCA. */
  readonly explainedVarianceRatio?: readonly number[];
}

const formats = ['.npy', '.safetensors', '.pt'];

/**
 * Checks the request against the file's header and says what it would take; reads no token. Throws what `reduceFile`
 * would throw before it starts.
 */
export async function estimateReduce(request: ReduceRequest): Promise<ReduceEstimate> {
  const source = await openTokenFiles(request.tokens, request);
  try {
    return await plan(request, source);
  } finally {
    await source.close();
  }
}

/**
 * Reduces tokens: fits and saves a model, or loads one; writes the projections. Tokens are read in chunks and never
 * held all at once, unless the method does. Throws an `InputError` for bad tokens and for what would not fit into
 * memory, and a `DeepEarthError` with the code E_OPTIONS for options that cannot be.
 */
export async function reduceFile(request: ReduceRequest): Promise<ReduceResult> {
  const source = await openTokenFiles(request.tokens, request);
  let model: FittedReducer | undefined;
  try {
    const estimate = await plan(request, source);
    refuseMemory(source.path, estimate.memoryBytes, source, request.maxMemoryBytes);
    const loaded =
      request.model === undefined
        ? undefined
        : await loadModel(request.model, { encoder: source.encoder, signal: request.signal });
    if (loaded && !loaded.sealed) request.warn?.(unsealedRemark(request.model!));
    const reduction = loaded ? undefined : await reductionOf(estimate.method);
    const options = reduction && optionsOf(request, reduction);
    model = loaded
      ? await restoreReducer(loaded.state, request.model!)
      : await fitTokens(reduction!, source, options!, request);
    const components = request.inverse ? model.channels : model.components;
    const values = await (request.inverse ? invertAll : transformAll)(model, source, request);
    const limits =
      loaded?.limits.length || request.inverse
        ? (loaded?.limits ?? [])
        : await limitsOf(model, values, request.scaling ?? defaultScaling);
    const modelOut =
      request.modelOut === undefined
        ? undefined
        : await saveTo(request.modelOut, model, source, limits, request.signal);
    const shape = [...source.shape, components];
    const output = await writeValues(
      request.output,
      tensor('float32', shape, spreadRows(values, source.valid, components)),
      source.valid && tensor('uint8', [...source.shape], source.valid),
      request,
    );
    const ratio = (model as { explainedVarianceRatio?: Float64Array }).explainedVarianceRatio;
    return {
      ...estimate,
      components,
      shape,
      limits,
      output,
      ...(options ? { options } : {}),
      ...(modelOut ? { modelOut } : {}),
      ...(ratio ? { explainedVarianceRatio: [...ratio] } : {}),
    };
  } finally {
    await Promise.allSettled([source.close(), model?.close?.()]);
  }
}

async function plan(request: ReduceRequest, source: TokenSource): Promise<ReduceEstimate> {
  const { count: tokens, channels } = source;
  if (!formats.includes(extname(request.output)))
    throw refuse(
      `${request.output}: results are written as ${formats.join(', ')}.`,
      "Choose one by the name's ending.",
    );
  if (request.model !== undefined && request.modelOut !== undefined)
    throw refuse('With a saved model nothing is fitted, so there is nothing to save.', 'Leave one of them out.');
  // What a model makes of masked tokens is known: nothing.
  if (tokens === 0 && request.model === undefined)
    throw new InputError(source.path, 'none of its tokens is valid.', { code: 'E_NO_TOKENS' });
  if (request.inverse && request.model === undefined)
    throw refuse('The way back needs the model that made the projections.', 'Name it as the model.');
  if (request.model !== undefined) {
    const { state } = await loadModel(request.model, { encoder: source.encoder, signal: request.signal });
    const model = await restoreReducer(state, request.model);
    if (request.with !== undefined && request.with !== state.kind)
      throw new InputError(request.model, `is a saved ${state.kind}, and ${request.with} was asked for.`);
    if (Object.keys(request.options ?? {}).length)
      throw refuse(`A saved model has its own options; ${Object.keys(request.options!).join(', ')} cannot be set.`);
    if (request.inverse && !model.inverse) throw refuse(`A ${state.kind} has no way back.`, 'pca and umap have.');
    const [from, to] = request.inverse ? [model.components, model.channels] : [model.channels, model.components];
    if (from !== channels) {
      throw new InputError(
        source.path,
        `has ${request.inverse ? 'projections' : 'tokens'} of ${channels} numbers, the model ${request.model} takes ${from}.`,
        {
          remedy:
            !request.inverse && channels === model.components
              ? 'To go back from projections to tokens, ask for the inverse.'
              : undefined,
        },
      );
    }
    const held = Object.values(state.tensors).reduce((sum, t) => sum + t.data.byteLength, 0);
    return { method: state.kind, tokens, channels, memoryBytes: 2 * held + tokens * to * 8 };
  }
  const method = methodOf(request);
  const reduction = await reductionOf(method);
  const options = optionsOf(request, reduction);
  const components = refuseComponents(reduction, channels, options, source.path);
  if (request.modelOut !== undefined) refuseUnsaved(options);
  return {
    method,
    tokens,
    channels,
    memoryBytes: reduction.estimate({ count: tokens, channels }, options) + tokens * components * 12,
  };
}

/** Fits to all tokens. */
async function fitTokens(
  reduction: SavableReduction,
  source: TokenSource,
  options: Readonly<Record<string, unknown>>,
  { signal, progress }: Running,
): Promise<FittedReducer> {
  // How many there are is known here.
  const running: Running = {
    signal,
    progress:
      progress && ((step, done, total) => progress(step, done, total ?? (step === 'fit' ? source.count : null))),
  };
  const part = await collectPart(reduction, source, options, 0, running);
  return (await fitPart(reduction, part, options, running)) as FittedReducer;
}

const transformAll = (model: FittedReducer, source: TokenSource, request: ReduceRequest): Promise<Float32Array> =>
  mapRows(source, model.components, 'transform', request, (chunk) => model.transform(chunk, request.signal));

const invertAll = (model: FittedReducer, source: TokenSource, request: ReduceRequest): Promise<Float32Array> =>
  mapRows(source, model.channels, 'inverse', request, (chunk) => model.inverse!(chunk, request.signal));

async function mapRows(
  source: TokenSource,
  width: number,
  step: string,
  { signal, progress }: ReduceRequest,
  map: (chunk: Float32Array) => Promise<Float32Array>,
): Promise<Float32Array> {
  const values = new Float32Array(source.count * width);
  let done = 0;
  for await (const chunk of source.chunks(signal)) {
    values.set(await map(chunk), done * width);
    done += chunk.length / source.channels;
    progress?.(step, done, source.count);
  }
  return values;
}

const limitsOf = async (model: FittedReducer, values: Float32Array, scaling: Scaling): Promise<Limits> =>
  model.limits ?? findLimits(() => pieces(values, model.components), model.components, scaling);

/** Values in pieces, with a pause after each. */
async function* pieces(values: Float32Array, components: number): AsyncGenerator<Float32Array> {
  const length = components * Math.ceil(300_000 / components);
  for (let at = 0; at < values.length; at += length) {
    yield values.subarray(at, at + length);
    await pause();
  }
}

const saveTo = async (
  path: string,
  model: FittedReducer,
  { encoder }: TokenSource,
  limits: Limits,
  signal: AbortSignal | undefined,
): Promise<WrittenFile> =>
  writeFileWhole(path, [await encodeModel({ state: model.state(), limits, ...(encoder ? { encoder } : {}) })], signal);

/**
 * Writes values in the format of the file's name: alone in .npy and .pt, as "projection" (or "tokens") beside "valid"
 * in .safetensors.
 */
async function writeValues(
  path: string,
  values: Tensor<'float32'>,
  valid: Tensor<'uint8'> | undefined,
  { signal, inverse }: ReduceRequest,
): Promise<WrittenFile> {
  if (extname(path) === '.npy')
    return writeFileWhole(path, writeNpy('float32', values.shape, [bytesOf(values)]), signal);
  if (extname(path) === '.pt') return writeFileWhole(path, writePt(values), signal);
  const tensors = { [inverse ? 'tokens' : 'projection']: values, ...(valid && { valid }) };
  return writeFileWhole(path, [await encodeSafetensors(tensors)], signal);
}
