// Opens a checkpoint as published and checks that every tensor of the encoder is there, in its shape.

import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { InputError } from '@deepearth/core/errors';
import { readTextFile } from '@deepearth/core/regular-file';
import { elementBytes, elementCount } from '@deepearth/core/tensor';
import { openFile } from '@deepearth/formats/file-source-node';
import { lazyTensor, type LazyTensor } from '@deepearth/formats/lazy-tensor';
import { openSafetensors } from '@deepearth/formats/safetensors';
import type { UnreadTensor } from '@deepearth/formats/unread-tensor';
import { openPickled } from './checkpoint-pt.ts';
import type { EncoderArchitecture } from './architecture.ts';
import type { ModelFamily } from './family.ts';
import { findEncoder, type StoredEntry } from './find-encoder.ts';

/** A weight in a file; its values are read on demand. */
export interface CheckpointTensor extends LazyTensor {
  /** Absolute path without links, so that ONNX Runtime may be pointed there. */
  readonly file: string;
  /** What the file calls it; a part of a fused matrix has the matrix's name. */
  readonly storedName: string;
}

/** An encoder's architecture and its weights by the project's names (`layers.0.query.weight`). */
export interface Checkpoint<A extends EncoderArchitecture = EncoderArchitecture> {
  readonly family: ModelFamily<A>;
  /** For people: the folder's or file's name, or the name it was asked for by. */
  readonly name: string;
  readonly architecture: A;
  readonly tensors: ReadonlyMap<string, CheckpointTensor>;
  /**
   * Weights of what stands on top of the encoder (a classifier), by their names in the file; empty where there is none.
   */
  readonly head: ReadonlyMap<string, CheckpointTensor>;
  /** What was chosen of several encoders, and which tensors are not used: to be said. */
  readonly notes: readonly string[];
  /** The folder it lies in, with its config.json and what else a publisher puts there. */
  readonly folder: string;
  /** The files it was read from, absolute: weights first, then config.json where there is one. */
  readonly files: readonly string[];
  /** Values of the encoder. */
  readonly parameters: number;
  close(): Promise<void>;
}

/** Which weights of a folder are opened. */
export interface CheckpointOptions {
  /** File of the weights, relative to the folder; "model.safetensors" (or the shards of its index), else
   * "pytorch_model.bin" by default. */
  readonly weights?: string | undefined;
  /** What to call it. */
  readonly name?: string | undefined;
}

interface Files {
  readonly tensors: ReadonlyMap<string, LazyTensor>;
  readonly unread: ReadonlyMap<string, UnreadTensor>;
  readonly path: string;
  close(): Promise<void>;
}

const isRead = (tensor: LazyTensor | UnreadTensor): tensor is LazyTensor =>
  !('kind' in tensor && tensor.kind === 'unread');

const isFolder = async (path: string): Promise<boolean> =>
  (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
const exists = async (path: string): Promise<boolean> => (await stat(path).catch(() => undefined)) !== undefined;

/** Of a config or an index; those of the largest models have less than one. */
const mostJsonBytes = 2 ** 24;

/**
 * Reads the `config.json` of a folder and returns it parsed, with its path. Throws an `InputError` when there is none
 * or it is no JSON.
 */
export async function readModelConfig(folder: string): Promise<{ json: unknown; path: string }> {
  const path = join(folder, 'config.json');
  const text = await readTextFile(path, { maxBytes: mostJsonBytes }).catch((cause: unknown) => {
    if (cause instanceof InputError) throw cause;
    throw new InputError(path, 'cannot be read; a model is a folder with config.json and model.safetensors.', {
      cause,
      code: 'E_MODEL_FILES',
    });
  });
  try {
    return { json: JSON.parse(text) as unknown, path };
  } catch (cause) {
    throw new InputError(path, `is no JSON: ${(cause as Error).message}.`, { cause, code: 'E_MODEL_CONFIG' });
  }
}

/** Reads the `config.json` of a folder. Throws an `InputError` when there is none or it is not an encoder's. */
export async function readArchitecture<A extends EncoderArchitecture>(
  family: ModelFamily<A>,
  folder: string,
): Promise<A> {
  const { json, path } = await readModelConfig(folder);
  return family.readConfig(json, path);
}

async function weightFiles(folder: string, weights: string | undefined): Promise<string[]> {
  if (weights) return [join(folder, weights)];
  const single = join(folder, 'model.safetensors');
  const index = join(folder, 'model.safetensors.index.json');
  if (await exists(single)) return [single];
  if (!(await exists(index))) {
    const pickled = join(folder, 'pytorch_model.bin');
    return [(await exists(pickled)) ? pickled : single];
  }
  return (await shardsOf(index)).map((name) => join(folder, name));
}

/**
 * The files that an index of shards names. Throws an `InputError` for one that is no index, or names files elsewhere.
 */
async function shardsOf(index: string): Promise<string[]> {
  const refuse = (problem: string, cause?: unknown): InputError =>
    new InputError(index, problem, { code: 'E_MODEL_FILES', cause, remedy: 'Fetch the checkpoint again.' });
  const text = await readTextFile(index, { maxBytes: mostJsonBytes }).catch((cause: NodeJS.ErrnoException) => {
    if (cause instanceof InputError) throw cause;
    throw refuse(`cannot be read (${cause.code ?? cause.message}).`, cause);
  });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw refuse(`is no JSON: ${(cause as Error).message}.`, cause);
  }
  const map = typeof json === 'object' && json !== null ? (json as { weight_map?: unknown }).weight_map : undefined;
  if (typeof map !== 'object' || map === null || Array.isArray(map))
    throw refuse('has no weight_map, which says in which file each tensor lies.');
  const names = [...new Set(Object.values(map as Record<string, unknown>))];
  if (names.length === 0) throw refuse('names no file.');
  return names.map((name) => {
    if (typeof name === 'string' && name === basename(name) && /^[^\\/:\0]+\.(?:safetensors|bin|pt)$/.test(name))
      return name;
    throw refuse(`names the file ${JSON.stringify(name)?.slice(0, 80)}; a shard is a file beside it.`);
  });
}

/** Files of a folder that look like weights. */
const weightsIn = async (folder: string): Promise<string[]> =>
  (await readdir(folder).catch(() => [])).filter((name) => /\.(?:safetensors|bin|pth?|ckpt)$/.test(name)).sort();

async function openWeights(path: string): Promise<Files> {
  const file = await realpath(path).catch(async (cause: unknown) => {
    const others = await weightsIn(dirname(path));
    throw new InputError(path, 'there is no such file; a model is a folder with config.json and model.safetensors.', {
      cause,
      code: 'E_MODEL_FILES',
      ...(others.length > 0 && {
        remedy: `There ${others.length === 1 ? 'is' : 'are'} ${others.slice(0, 5).join(', ')}: name the one that is meant as \`weights\`.`,
      }),
    });
  });
  const source = await openFile(file);
  try {
    const { tensors, unread } = /\.safetensors$/.test(path) ? await openSafetensors(source) : await openPickled(source);
    return { tensors, unread, path: file, close: () => source.close() };
  } catch (error) {
    await source.close();
    throw error;
  }
}

/** Rows `part` of `parts` equal shares, as a tensor of its own. */
function share(whole: LazyTensor, part: number, parts: number): LazyTensor {
  if (parts === 1) return whole;
  const shape = [Math.floor(whole.shape[0]! / parts), ...whole.shape.slice(1)];
  const bytes = elementCount(shape) * elementBytes(whole.dtype);
  return lazyTensor({
    dtype: whole.dtype,
    shape,
    locate: async (signal) => {
      const found = await whole.locate(signal);
      return found && { offset: found.offset + part * bytes, bytes };
    },
    readBytes: (start, length, signal) => whole.readBytes(part * bytes + start, length, signal),
  });
}

/**
 * Opens the checkpoint in a folder (`config.json`, `model.safetensors`), or a single weights file beside whose folder a
 * config.json may lie. Its tensors are found whatever stands before their names. Throws an `InputError` that lists, in
 * ten lines at most, what is missing, of another shape than the architecture asks for, or not read.
 */
export async function openCheckpoint<A extends EncoderArchitecture>(
  family: ModelFamily<A>,
  path: string,
  { weights, name = basename(path) }: CheckpointOptions = {},
): Promise<Checkpoint<A>> {
  const folder = (await isFolder(path)) ? path : dirname(path);
  const paths = folder === path ? await weightFiles(path, weights) : [path];
  const config = join(folder, 'config.json');
  const configured = await exists(config);
  if (!configured && paths.some((file) => file.endsWith('.safetensors')) && folder === path)
    await readModelConfig(folder);
  const opened: Files[] = [];
  const close = async (): Promise<void> => void (await Promise.all(opened.map((file) => file.close())));
  try {
    for (const file of paths) opened.push(await openWeights(file));
    const entries = opened.flatMap(({ tensors, unread, path: file }): StoredEntry[] =>
      [...tensors, ...unread].map(([storedName, tensor]) => ({ storedName, file, tensor })),
    );
    const first = opened[0]!.path;
    const known = configured ? await readArchitecture(family, folder) : null;
    if (!known && !family.inferArchitecture)
      throw new InputError(first, 'has no config.json beside it.', { code: 'E_MODEL_FILES' });
    const found = findEncoder(family, entries, known, first);
    const { architecture: fitting, notes } = found;
    refuseFaults(family, fitting, found.faults, first);
    const whole = ({ tensor, ...about }: StoredEntry, part = 0, parts = 1): CheckpointTensor => ({
      ...share(tensor as LazyTensor, part, parts),
      ...about,
    });
    const tensors = new Map(
      [...found.tensors].map(([one, { entry, part, parts }]) => [one, whole(entry, part, parts)] as const),
    );
    const head = new Map(
      [...found.head].flatMap(([one, entry]) => (isRead(entry.tensor) ? [[one, whole(entry)] as const] : [])),
    );
    return {
      family,
      name,
      architecture: fitting,
      tensors,
      head,
      folder,
      notes: notes.map((note) => `${basename(first)}: ${note}`),
      files: [...opened.map((file) => file.path), ...(configured ? [config] : [])],
      parameters: [...tensors.values()].reduce((sum, { shape }) => sum + elementCount(shape), 0),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Lines of an error that lists faults. */
const mostFaults = 10;

function refuseFaults<A extends EncoderArchitecture>(
  family: ModelFamily<A>,
  architecture: A,
  faults: readonly string[],
  path: string,
): void {
  if (faults.length === 0) return;
  const { hiddenSize, layers } = architecture;
  const shown = faults.slice(0, faults.length > mostFaults ? mostFaults - 1 : mostFaults);
  const more = faults.length - shown.length;
  throw new InputError(
    path,
    `does not hold the ${family.name(architecture)} encoder its config describes (${layers} layers of ${hiddenSize}, ${family.expectedTensors(architecture).size} tensors); ${faults.length} differ:\n  ${[...shown, ...(more ? [`… and ${more} more`] : [])].join('\n  ')}\n`,
    { code: 'E_MODEL_TENSORS' },
  );
}
