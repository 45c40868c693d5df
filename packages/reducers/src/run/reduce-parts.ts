// A fit on several machines: parts of tokens in files, a model of parts, and its colour limits (Node only).

import { InputError } from '@deepearth/core/errors';
import { toFloat32 } from '@deepearth/core/half';
import { openFile } from '@deepearth/formats/file-source-node';
import { readTensorFile } from '@deepearth/formats/tensor-file-node';
import { writeFileWhole, type WrittenFile } from '@deepearth/formats/write-file-node';
import { defaultScaling, findLimits, type Scaling } from '../colours/limits.ts';
import { encodeModel } from '../models/model-file.ts';
import { loadModel } from '../models/model-file-node.ts';
import { unsealedRemark } from '../models/unsealed-remark.ts';
import type { Limits, ModelKind } from '../models/model.ts';
import { encodePart, readPart, readPartHead } from '../models/part-file.ts';
import { openTokenFiles } from '../tokens/token-files-node.ts';
import { collectPart } from './collect-part.ts';
import { fitPart, mergeParts } from './parts.ts';
import {
  methodOf,
  optionsOf,
  refuse,
  refuseComponents,
  refuseMemory,
  refuseUnsaved,
  type MethodRequest,
} from './reduce-options.ts';
import type { Part, Running } from './reduction.ts';
import { reductionOf, restoreReducer } from './reductions.ts';

/** Which part of which fit is made. */
export interface PartRequest extends Running, MethodRequest {
  /** As of `ReduceRequest`. */
  readonly tokens: string | readonly string[];
  readonly tensor?: string | undefined;
  /** The number of the first token over the whole input: how many come before it, masked ones too. */
  readonly from: number;
  /** Where the part goes, a .safetensors file. */
  readonly output: string;
}

/** What was made of a part. */
export interface PartResult {
  readonly method: ModelKind;
  /** The numbers of the first token and of the one after the last, at which the next part begins. */
  readonly from: number;
  readonly to: number;
  /** Tokens that are not masked. */
  readonly tokens: number;
  readonly channels: number;
  readonly output: WrittenFile;
}

/**
 * Makes a part of a fit and saves it. Throws an `InputError` for bad tokens, and a `DeepEarthError` with the code
 * E_OPTIONS for options that cannot be.
 */
export async function makePartFile(request: PartRequest): Promise<PartResult> {
  const { tokens, from, output, signal, progress } = request;
  if (!Number.isSafeInteger(from) || from < 0)
    throw refuse(`A part begins at a whole number of tokens, not at ${from}.`);
  const method = methodOf(request);
  const reduction = await reductionOf(method);
  const options = optionsOf(request, reduction);
  refuseUnsaved(options);
  const source = await openTokenFiles(tokens, request);
  try {
    refuseComponents(reduction, source.channels, options, source.path);
    const part = await collectPart(reduction, source, options, from, { signal, progress });
    const written = await writeFileWhole(output, [await encodePart(reduction, part)], signal);
    return { method, from, to: part.to, tokens: part.count, channels: part.channels, output: written };
  } finally {
    await source.close();
  }
}

/** Which parts become a model. */
export interface MergeRequest extends Running, MethodRequest {
  /** Files of parts that together are the whole input, in any order. */
  readonly parts: readonly string[];
  /** Where the model goes. */
  readonly output: string;
  readonly maxMemoryBytes?: number | undefined;
}

/** What was made of parts. */
export interface MergeResult {
  readonly method: ModelKind;
  readonly parts: number;
  readonly tokens: number;
  readonly channels: number;
  readonly components: number;
  /** All options that were used, defaults included. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Empty where they follow from what all tokens become, see `saveLimits`. */
  readonly limits: Limits;
  readonly output: WrittenFile;
}

/**
 * Fits to parts and saves the model: the same bytes as a fit to all tokens, but for the colour limits. The method, and
 * the options with which the parts were made, are read from them; they need not be given again. Throws an `InputError`
 * for parts that do not fit together and for what would not fit into memory.
 */
export async function mergePartFiles(request: MergeRequest): Promise<MergeResult> {
  const { signal, progress } = request;
  const [first] = request.parts;
  if (first === undefined) throw refuse('There are no parts to merge.');
  const head = await inFile(first, (source) => readPartHead(source, signal));
  const method = methodOf({ with: head.reduction });
  if (request.with !== undefined && request.with !== method)
    throw new InputError(first, `is a part of ${method}, and ${request.with} was asked for.`, { code: 'E_PARTS' });
  const reduction = await reductionOf(method);
  const options = optionsOf({ options: { ...head.settings, ...request.options } }, reduction);
  refuseUnsaved(options);
  const components = refuseComponents(reduction, head.channels, options, first);
  const parts: Part[] = [];
  for (const [index, path] of request.parts.entries()) {
    parts.push(await inFile(path, (source) => readPart(reduction, source, signal)));
    progress?.('reading', index + 1, request.parts.length);
  }
  const part = await mergeParts(reduction, parts, options, { signal, progress });
  refuseMemory(`${parts.length} parts`, reduction.estimate(part, options), part, request.maxMemoryBytes);
  const model = await fitPart(reduction, part, options, { signal, progress });
  try {
    const { encoder } = part;
    const limits = model.limits ?? [];
    const bytes = await encodeModel({ state: model.state!(), limits, ...(encoder ? { encoder } : {}) });
    return {
      method,
      parts: parts.length,
      tokens: part.count,
      channels: part.channels,
      components,
      options,
      limits,
      output: await writeFileWhole(request.output, [bytes], signal),
    };
  } finally {
    await model.close?.();
  }
}

/** Whose limits of what. */
export interface LimitsRequest extends Running {
  /** A saved model. */
  readonly model: string;
  /** What it made of all tokens: results of `reduceFile`, in any order. */
  readonly projections: readonly string[];
  /** Where the model goes with its limits; it may be the same file. */
  readonly output: string;
  /** Percentiles; 1 and 99. */
  readonly scaling?: Scaling | undefined;
}

/** The limits that a model got. */
export interface LimitsResult {
  readonly method: ModelKind;
  /** Projections, those of masked tokens too. */
  readonly tokens: number;
  readonly components: number;
  readonly limits: Limits;
  readonly output: WrittenFile;
}

/**
 * Gives a model the colour limits of all that it made: a model of parts becomes that of one fit to all tokens, to the
 * byte. Throws an `InputError` where results are not the model's.
 */
export async function saveLimits(request: LimitsRequest): Promise<LimitsResult> {
  const { model: path, projections, output, scaling = defaultScaling, signal, progress, warn } = request;
  const saved = await loadModel(path, { signal });
  if (!saved.sealed) warn?.(unsealedRemark(path));
  const model = await restoreReducer(saved.state, path);
  const { components } = model;
  let tokens = 0;
  const passes = async function* (): AsyncGenerator<Float32Array> {
    tokens = 0;
    for (const [index, one] of projections.entries()) {
      const values = await projectionIn(one, components, path, signal);
      tokens += values.length / components;
      yield values;
      progress?.('limits', index + 1, projections.length);
    }
  };
  try {
    const limits = model.limits ?? (await findLimits(passes, components, scaling));
    const written = await writeFileWhole(output, [await encodeModel({ ...saved, limits })], signal);
    return { method: saved.state.kind, tokens, components, limits, output: written };
  } finally {
    await model.close?.();
  }
}

async function projectionIn(
  path: string,
  components: number,
  model: string,
  signal: AbortSignal | undefined,
): Promise<Float32Array> {
  const file = await readTensorFile(path, signal);
  try {
    const values = file.tensor(file.tensors.has('projection') ? 'projection' : undefined);
    if (!['float32', 'float16'].includes(values.dtype) || values.shape.at(-1) !== components)
      throw new InputError(
        path,
        `holds ${values.dtype} of shape [${values.shape.join(', ')}], the model ${model} makes ${components} numbers of a token.`,
        { remedy: 'Name what deepearth reduce made with this model.' },
      );
    return toFloat32(await values.read(signal)).data;
  } finally {
    await file.close();
  }
}

async function inFile<T>(path: string, use: (source: Awaited<ReturnType<typeof openFile>>) => Promise<T>): Promise<T> {
  const source = await openFile(path);
  try {
    return await use(source);
  } finally {
    await source.close();
  }
}
