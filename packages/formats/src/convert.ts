// Takes what a file of tensors holds and writes it in another format, piece by piece.

import { InputError } from '@deepearth/core/errors';
import { type DType } from '@deepearth/core/tensor';
import type { ByteSource } from './bytes.ts';
import { fileKind } from './file-kind.ts';
import { scaleName } from './scale.ts';
import { lazyFrom, type LazyTensor } from './lazy-tensor.ts';
import { npyDtypes, openNpy, writeNpy } from './npy.ts';
import { openNpz, writeNpz } from './npz.ts';
import { plainJson } from './plain-json.ts';
import { printable, show } from './printable.ts';
import { openPt } from './pt.ts';
import { isTensor, pickleForTorch, type PtWritable } from './pt-pickle-writer.ts';
import { writePt } from './pt-writer.ts';
import { isKind, type PyValue } from './python-values.ts';
import { pathBelow, retyped, type TensorType } from './retype.ts';
import { openSafetensors, planSafetensors, safetensorsDtypes, writeSafetensors } from './safetensors.ts';
import { refuseUnread } from './unread-tensor.ts';
import { nameProblem } from './zip-directory.ts';

/** The formats that `encodeContent` writes. */
export const tensorFormats = ['safetensors', 'pt', 'npz', 'npy'] as const;
/** One of `tensorFormats`. */
export type TensorFormat = (typeof tensorFormats)[number];

/** What a file of tensors holds, whatever its format. */
export interface TensorContent {
  /** Tensors as handles: a dict of them by name, the value of a .pt file, or the one array of a .npy file. */
  readonly value: PtWritable;
  /** Texts that come with them. */
  readonly metadata: ReadonlyMap<string, string>;
}

/** How a file is written. */
export interface EncodeOptions {
  /** What floats become. Default: `same`. */
  readonly dtype?: TensorType;
  /** Write this tensor alone, by the name that `inspect` shows. */
  readonly tensor?: string | undefined;
  /** The file that the content is of, for messages. */
  readonly file: string;
}

/** A file about to be written. */
export interface EncodedContent {
  /** The file; nothing is read before the first chunk is asked for. */
  readonly chunks: AsyncGenerator<Uint8Array>;
  /** Bytes of all tensors, about the size of the file. */
  readonly bytes: number;
  readonly tensors: number;
  /** What the file does not hold of the content, or holds otherwise, a sentence each. */
  readonly remarks: readonly string[];
}

/** As for `inspectFile`: how much there may be to write, in all cases and per byte of the file. */
const alwaysWrittenBytes = 2 ** 30;
const mostPerByte = 64;

/**
 * Opens a .safetensors, .pt, .npz or .npy file by its directory. Throws an `InputError` for any other file, for one
 * that is not to be trusted, and for one that claims many more values than its size (`E_EXCESSIVE`).
 */
export async function openContent(source: ByteSource, signal?: AbortSignal): Promise<TensorContent> {
  const content = await contentOf(source, signal);
  const { tensors } = flattened(content.value);
  let bytes = 0;
  for (const t of tensors.values()) bytes += t.bytes;
  if (bytes > Math.max(alwaysWrittenBytes, mostPerByte * source.size))
    throw new InputError(
      source.name,
      `holds ${bytes} bytes of values in a file of ${source.size}: too much to write.`,
      {
        code: 'E_EXCESSIVE',
      },
    );
  return content;
}

async function contentOf(source: ByteSource, signal?: AbortSignal): Promise<TensorContent> {
  const metadata = new Map<string, string>();
  const format = await fileKind(source, signal);
  if (format === 'npy') return { value: await openNpy(source, signal), metadata };
  if (format === 'npz') return { value: await openNpz(source, signal), metadata };
  if (format === 'pt')
    return { value: (await openPt(source, signal, { keepFloats: true })).value as PtWritable, metadata };
  if (format === 'safetensors') {
    const file = await openSafetensors(source, signal);
    for (const [name, unread] of file.unread) refuseUnread(source.name, name, unread);
    return { value: file.tensors, metadata: file.metadata };
  }
  throw new InputError(source.name, 'is a ZIP archive, but neither a .pt nor a .npz file.', { code: 'E_FORMAT' });
}

/**
 * The content as a file of a format. A .pt file keeps the whole value, with the texts of a safetensors file as a dict
 * under `metadata`; .safetensors keeps values beside the tensors as texts, JSON where they are none; .npz and .npy hold
 * tensors alone. Throws an `InputError` for what the format cannot hold (`E_NOT_HELD`), and while chunks are read for
 * values that do not fit their type (`E_VALUE_RANGE`).
 */
export function encodeContent(
  content: TensorContent,
  to: TensorFormat,
  { dtype = 'same', tensor, file }: EncodeOptions,
): EncodedContent {
  const { value: chosen, metadata } = tensor === undefined ? content : only(content, tensor, file);
  const { value, kept } = retyped(chosen, dtype, file);
  const remarks = kept.length
    ? [`${list(kept)} ${kept.length === 1 ? 'stays' : 'stay'} as it is: there is no place for scales beside it.`]
    : [];
  const flat = flattened(value);
  const { tensors } = flat;
  let bytes = 0;
  for (const [name, t] of tensors) {
    bytes += t.bytes;
    if (!held[to].has(t.dtype))
      throw notHeld(
        file,
        `tensor ${show(name)} is ${t.dtype}, which .${to} does not have`,
        'Convert with another type: float32 holds it.',
      );
  }
  const about = { bytes, tensors: tensors.size };
  if (to === 'pt') return { ...about, remarks, chunks: ptChunks(value, metadata, file) };
  const texts = new Map([...flat.texts, ...metadata]);
  if (to === 'safetensors') {
    const written = [...tensors].map(([name, { dtype: type, shape, chunks }]) => ({
      name,
      dtype: type,
      shape,
      chunks,
    }));
    tried(to, file, () => planSafetensors(written, texts));
    return { ...about, remarks, chunks: writeSafetensors(written, texts) };
  }
  const left = texts.size
    ? [`.${to} holds tensors alone, so ${list([...texts.keys()])} ${texts.size === 1 ? 'is' : 'are'} left out.`]
    : [];
  if (tensors.size === 0) throw new InputError(file, 'holds no tensors.', { code: 'E_NO_TENSORS' });
  if (to === 'npy') {
    const [first] = tensors.values();
    if (!first || tensors.size > 1) throw notOne(file, [...tensors.keys()]);
    return { ...about, remarks: [...remarks, ...left], chunks: writeNpy(first.dtype, first.shape, first.chunks()) };
  }
  const { named, renamed } = zipNames(tensors, file);
  return { ...about, remarks: [...remarks, ...left, ...renamed], chunks: writeNpz(named) };
}

const held: Readonly<Record<TensorFormat, { has(dtype: DType): boolean }>> = {
  pt: { has: () => true },
  safetensors: safetensorsDtypes,
  npz: npyDtypes,
  npy: npyDtypes,
};

const notHeld = (file: string, why: string, remedy: string): InputError =>
  new InputError(file, `${why}.`, { code: 'E_NOT_HELD', remedy });

function notOne(file: string, names: readonly string[]): InputError {
  const [first, second] = names as [string, string];
  if (names.length === 2 && second === scaleName(first))
    return notHeld(file, `a .npy file holds one array, and ${show(first)} in eight bits has scales too`, 'Write .npz.');
  return new InputError(file, `holds ${names.length} tensors, and a .npy file one: ${list(names)}.`, {
    code: 'E_TENSOR_UNNAMED',
    remedy: 'Say which one, or write .npz.',
  });
}

/** Names in a sentence. */
const list = (names: readonly string[]): string =>
  printable(names.slice(0, 8).join(', ')) + (names.length > 8 ? `, … (${names.length})` : '');

function ptChunks(value: PtWritable, metadata: ReadonlyMap<string, string>, file: string): AsyncGenerator<Uint8Array> {
  // `format: pt` is what transformers writes into its files of weights: of the file, not of what it holds.
  const texts = [...metadata].filter(([name, text]) => name !== 'format' || text !== 'pt');
  const whole =
    texts.length && value instanceof Map
      ? new Map<PtWritable, PtWritable>([
          ...value,
          [value.has('metadata') ? '__metadata__' : 'metadata', new Map(texts)],
        ])
      : value;
  tried('pt', file, () => pickleForTorch(whole));
  return writePt(whole);
}

/**
 * Lays a file out, so that what the format cannot hold (a name that is no Unicode) is said before anything is written.
 */
function tried(to: TensorFormat, file: string, layOut: () => unknown): void {
  try {
    layOut();
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    throw new InputError(file, `cannot be written as .${to}: ${cause.message}.`, { code: 'E_NOT_HELD', cause });
  }
}

/** One tensor of the content, with its scales where it has any. */
function only(content: TensorContent, name: string, file: string): TensorContent {
  const { tensors } = flattened(content.value);
  const found = tensors.get(name);
  if (!found)
    throw new InputError(file, `has no tensor ${show(name)}; it has ${list([...tensors.keys()])}.`, {
      code: 'E_TENSOR_MISSING',
    });
  const scale = tensors.get(scaleName(name));
  const value = new Map<PtWritable, PtWritable>([[name, found], ...(scale ? [[scaleName(name), scale] as const] : [])]);
  return { value, metadata: new Map() };
}

/**
 * The tensors of a value by their path, and what is beside them as texts: the largest parts without a tensor, JSON
 * where they are no text.
 */
export function flattened(value: PtWritable): {
  readonly tensors: ReadonlyMap<string, LazyTensor>;
  readonly texts: ReadonlyMap<string, string>;
} {
  const tensors = new Map<string, LazyTensor>();
  const texts = new Map<string, string>();
  const times = new Map<string, number>();
  /** A name of its own, as `tensorsOf` gives it. */
  const free = (path: string, taken: ReadonlyMap<string, unknown>): string => {
    let name = path;
    while (taken.has(name)) {
      const n = (times.get(path) ?? 1) + 1;
      times.set(path, n);
      name = `${path}#${n}`;
    }
    return name;
  };
  const walk = (at: PtWritable, path: string): void => {
    if (typeof at === 'object' && at !== null && isTensor(at)) {
      tensors.set(free(path || 'tensor', tensors), 'data' in at ? lazyFrom(at) : at);
      return;
    }
    if (holdsTensor(at)) {
      for (const [key, item] of entriesOf(at)) walk(item, pathBelow(path, key));
      return;
    }
    // The texts of a safetensors file, as it keeps them.
    if (
      path === 'metadata' &&
      at instanceof Map &&
      [...at].every((pair) => pair.every((part) => typeof part === 'string'))
    )
      for (const [name, text] of at as ReadonlyMap<string, string>) texts.set(free(name, texts), text);
    else texts.set(free(path || 'value', texts), typeof at === 'string' ? at : plainJson(at));
  };
  walk(value, '');
  return { tensors, texts };
}

function holdsTensor(value: PtWritable): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (isTensor(value)) return true;
  for (const [, item] of entriesOf(value)) if (holdsTensor(item)) return true;
  return false;
}

function entriesOf(value: PtWritable): Iterable<readonly [unknown, PtWritable]> {
  if (value instanceof Map) return value as ReadonlyMap<unknown, PtWritable>;
  if (Array.isArray(value)) return value.entries() as Iterable<[number, PtWritable]>;
  const python = value as PyValue;
  if (isKind(python, 'tuple')) return python.items.entries() as Iterable<[number, PtWritable]>;
  if (
    typeof value !== 'object' ||
    value === null ||
    'kind' in value ||
    value instanceof Set ||
    value instanceof Uint8Array
  )
    return [];
  return Object.entries(value).filter((entry): entry is [string, PtWritable] => entry[1] !== undefined);
}

/** Names that a ZIP archive may have: paths of pictures are absolute, and keys of dicts are anything. */
function zipNames(
  tensors: ReadonlyMap<string, LazyTensor>,
  file: string,
): { named: ReadonlyMap<string, LazyTensor>; renamed: readonly string[] } {
  const named = new Map<string, LazyTensor>();
  const changed: string[] = [];
  for (const [name, t] of tensors) {
    const safe = nameProblem(`${name}.npy`) === undefined ? name : zipName(name);
    if (safe !== name) changed.push(name);
    if (named.has(safe))
      throw notHeld(file, `two tensors would be called ${show(safe)} in a .npz file`, 'Write .pt or .safetensors.');
    named.set(safe, t);
  }
  const renamed = changed.length ? [`${list(changed)}: written without what a name in an archive may not have.`] : [];
  return { named, renamed };
}

const zipName = (name: string): string =>
  name
    .replaceAll('\\', '/')
    .replace(/\p{Cc}/gu, '_')
    .replace(/^([A-Za-z]):/, '$1')
    .split('/')
    .filter((part) => part !== '')
    .map((part) => (part === '.' || part === '..' ? '_' : part))
    .join('/') || '_';
