// Says what a file of tensors holds: every value, every tensor with type and shape, and on demand the digests of their
// values.

import { InputError } from '@deepearth/core/errors';
import type { ByteSource } from './bytes.ts';
import { fileKind, type FileKind } from './file-kind.ts';
import type { LazyTensor } from './lazy-tensor.ts';
import { openNpy } from './npy.ts';
import { arraysOf } from './npz.ts';
import { openPt, tensorsOf } from './pt.ts';
import { describeTensor, describeValue, type Description, type DescribeOptions } from './inspect-value.ts';
import { openSafetensors } from './safetensors.ts';
import { sha256Of } from '@deepearth/core/sha256';
import { openZip, type Zip } from './zip.ts';

/** What `inspect` does beside listing. */
export interface InspectOptions {
  /**
   * Reads all values for their SHA-256 and the first four of each tensor. Default: nothing but the directory is read.
   */
  readonly digest?: boolean;
  /**
   * Reads all values for their minimum, maximum, mean and standard deviation, and for how many are NaN or infinite.
   * `small`: only of a file below 64 MiB, which is read for damage in any case. Default: false.
   */
  readonly statistics?: boolean | 'small';
  readonly signal?: AbortSignal | undefined;
}

/** What a file holds. */
export interface Inspection {
  /** Path of the file, as it was given. */
  readonly file: string;
  readonly format: FileKind;
  /** In bytes. */
  readonly size: number;
  /** Text that comes with the tensors (safetensors only). */
  readonly metadata?: Readonly<Record<string, string>>;
  /**
   * The value itself: a tensor is `{ tensor: true, dtype, shape }`, with `digest` also `sha256` (of the values in C
   * order, little-endian) and `first` (four values), with `statistics` those (`TensorStatistics`, none of complex
   * numbers), for a view `stride` and `storage_offset`; other kinds of Python values are `{ tuple }`, `{ set }`,
   * `{ bytes_hex }`, `{ entries }` … An int beyond 2^53 among `first` is a bigint:
   * see `inspectionJson`.
   */
  readonly holds: Description;
}

/** A file whose tensors take no more is checked in full even without `digest`. */
const alwaysCheckedBytes = 1 << 26;
/**
 * How much there may be to digest, counting values again in every tensor that views them: in all cases, and per byte of
 * the file.
 */
const alwaysDigestedBytes = 2 ** 30;
const mostPerByte = 64;

/**
 * Describes a .pt, .safetensors, .npy, .npz or .zip file. Without `digest` a file is opened by its directory; one below
 * 64 MiB is checked for damage all the same. Throws an `InputError` with the reason for a file that is not to be
 * trusted.
 */
export async function inspectFile(
  source: ByteSource,
  { digest = false, statistics = false, signal }: InspectOptions = {},
): Promise<Inspection> {
  const format = await fileKind(source, signal);
  const about = { file: source.name, format, size: source.size };
  /** What to do about values, when they are so many bytes. */
  const plan = (bytes: number): DescribeOptions => {
    // Out of a small file: thousands of tensors that view the same values, or zeros that were deflated.
    const excessive = bytes > Math.max(alwaysDigestedBytes, mostPerByte * source.size);
    if ((digest || statistics === true) && excessive)
      throw new InputError(
        source.name,
        `holds ${bytes} bytes of values in a file of ${source.size}: too much to read.`,
        { code: 'E_EXCESSIVE' },
      );
    const check = source.size <= alwaysCheckedBytes && !excessive;
    return { digest, check, statistics: statistics === true || (statistics === 'small' && check), signal };
  };
  if (format === 'pt') {
    const { value } = await openPt(source, signal);
    return { ...about, holds: await describeValue(value, plan(sum(tensorsOf(value).values()))) };
  }
  if (format === 'npy') return { ...about, holds: await describeTensor(await openNpy(source, signal), plan(0)) };
  if (format === 'safetensors') {
    const { tensors, unread, metadata } = await openSafetensors(source, signal);
    const described: [string, Description][] = [];
    for (const [name, tensor] of unread) described.push([name, await describeValue(tensor, plan(0))]);
    const holds = {
      ...((await describeAll(tensors, plan(0))) as { [name: string]: Description }),
      ...Object.fromEntries(described),
    };
    return { ...about, metadata: Object.fromEntries(metadata), holds };
  }
  const zip = await openZip(source, signal);
  if (format === 'npz') {
    const arrays = await arraysOf(zip, signal);
    return { ...about, holds: await describeAll(arrays, plan(sum(arrays.values()))) };
  }
  return {
    ...about,
    holds: await describeEntries(zip, plan(sum([...zip.entries.values()].map(({ size }) => ({ bytes: size }))))),
  };
}

function sum(parts: Iterable<{ readonly bytes: number }>): number {
  let bytes = 0;
  for (const part of parts) bytes += part.bytes;
  return bytes;
}

async function describeEntries(zip: Zip, { digest, check, signal }: DescribeOptions): Promise<Description> {
  const holds: [string, Description][] = [];
  for (const entry of zip.entries.values()) {
    const { name, size, compression } = entry;
    const sha256 = digest ? { sha256: await sha256Of(entry.chunks(signal)) } : {};
    if (!digest && check) for await (const _ of entry.chunks(signal)) signal?.throwIfAborted();
    holds.push([name, { bytes: size, compression, ...sha256 }]);
  }
  return Object.fromEntries(holds);
}

async function describeAll(tensors: ReadonlyMap<string, LazyTensor>, options: DescribeOptions): Promise<Description> {
  const described: [string, Description][] = [];
  for (const [name, tensor] of tensors) described.push([name, await describeTensor(tensor, options)]);
  return Object.fromEntries(described);
}

/** JSON with exact integers and floats: `JSON.stringify` takes no bigint, and prints -0 as 0. */
export function inspectionJson(value: unknown, indent = 1): string {
  const print = (at: unknown, lead: string): string => {
    if (typeof at === 'bigint') return String(at);
    if (Object.is(at, -0)) return '-0.0';
    // A float beyond 2^53 has digits that a reader of whole numbers would take for exact.
    if (Number.isInteger(at) && !Number.isSafeInteger(at)) return /e/.test(String(at)) ? String(at) : `${String(at)}.0`;
    if (typeof at !== 'object' || at === null) return JSON.stringify(at) ?? 'null';
    const inner = lead + ' '.repeat(indent);
    const [open, close] = Array.isArray(at) ? '[]' : '{}';
    const lines = Array.isArray(at)
      ? at.map((item) => print(item, inner))
      : Object.entries(at)
          .filter(([, item]) => item !== undefined)
          .map(([key, item]) => `${JSON.stringify(key)}: ${print(item, inner)}`);
    if (lines.length === 0) return open! + close!;
    const short = lines.every((line) => line.length < 24) && lines.join(', ').length < 100 && Array.isArray(at);
    return short || indent === 0
      ? `${open}${lines.join(', ')}${close}`
      : `${open}\n${inner}${lines.join(`,\n${inner}`)}\n${lead}${close}`;
  };
  return print(value, '');
}
