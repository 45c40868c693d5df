// Describes values as plain JSON: what cannot be said in JSON becomes an object that names its kind.

import { elementBytes } from '@deepearth/core/tensor';
import { decodeElement, type Element } from './elements.ts';
import type { LazyTensor } from './lazy-tensor.ts';
import type { PyValue } from './python-values.ts';
import { sha256Of } from '@deepearth/core/sha256';
import { statisticsOf, type TensorStatistics } from './statistics.ts';
import { storageNames } from './torch-types.ts';

/** JSON, and bigints where an int is beyond 2^53. */
export type Description =
  null | boolean | number | bigint | string | Description[] | { readonly [key: string]: Description };

export interface DescribeOptions {
  readonly digest: boolean;
  /** Reads the values for damage even without a digest. */
  readonly check: boolean;
  /** Reads the values for their minimum, maximum, mean and so on. */
  readonly statistics?: boolean;
  readonly signal?: AbortSignal | undefined;
}

const firstCount = 4;

/** Python's `str` of a float that JSON cannot say. */
const floatText = (value: number): string => (Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf');
const float = (value: number): number | string => (Number.isFinite(value) ? value : floatText(value));
const element = (value: Element): Description =>
  typeof value === 'number' ? float(value) : typeof value === 'object' ? value.map(float) : value;

/** What is known of values once they have been read. */
interface Content {
  readonly sha256?: string;
  readonly first?: Description[];
  readonly statistics?: { readonly [name: string]: Description };
}

/** Digest, first values and statistics as they are wanted; reads everything once, in chunks. */
async function contentOf(t: LazyTensor, { digest, check, statistics, signal }: DescribeOptions): Promise<Content> {
  if (!digest && !statistics) {
    if (check) await t.verify(signal);
    return {};
  }
  const { dtype } = t;
  const first: Description[] = [];
  const gathered = statistics ? statisticsOf(dtype) : undefined;
  const watched = async function* (): AsyncGenerator<Uint8Array> {
    for await (const chunk of t.chunks(signal)) {
      // Chunks are whole elements, and the first one has as many as are wanted, or all.
      const count = Math.min(firstCount - first.length, chunk.byteLength / elementBytes(dtype));
      for (let i = 0; i < count; i++) first.push(element(decodeElement(dtype, chunk, i)));
      gathered?.add(chunk);
      yield chunk;
    }
  };
  const sha256 = digest ? await sha256Of(watched()) : undefined;
  if (!digest) for await (const _ of watched()) signal?.throwIfAborted();
  return {
    ...(sha256 !== undefined && { sha256, first }),
    ...(gathered && { statistics: described(gathered.result()) }),
  };
}

const described = (statistics: TensorStatistics): { [name: string]: Description } =>
  Object.fromEntries(
    Object.entries(statistics).map(([name, value]: [string, number | bigint]) => [name, element(value)]),
  );

/**
 * A tensor outside of PyTorch's files: `{ tensor: true, dtype, shape }` and, as they are wanted, `sha256`, `first` and
 * `statistics`.
 */
export async function describeTensor(t: LazyTensor, options: DescribeOptions): Promise<{ [key: string]: Description }> {
  return { tensor: true, dtype: t.dtype, shape: [...t.shape], ...(await contentOf(t, options)) };
}

const hexDigits = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** Hex in one string that grows, not in an array of as many strings as there are bytes. */
function hexOf(bytes: Uint8Array): string {
  let hex = '';
  for (const byte of bytes) hex += hexDigits[byte]!;
  return hex;
}

/** The order of Python's `sorted`: text by code points, not by JavaScript's halves of them. */
function inOrder(a: Description, b: Description): number {
  if (typeof a !== 'string' || typeof b !== 'string')
    return (a as number) < (b as number) ? -1 : (a as number) > (b as number) ? 1 : 0;
  const [left, right] = [[...a], [...b]];
  const at = left.findIndex((c, i) => c !== right[i]);
  if (at < 0) return left.length - right.length;
  return right[at] === undefined ? 1 : left[at]!.codePointAt(0)! - right[at].codePointAt(0)!;
}

/** A value out of a .pt file. */
export async function describeValue(value: PyValue, options: DescribeOptions): Promise<Description> {
  const all = async (items: Iterable<PyValue>): Promise<Description[]> => {
    const described: Description[] = [];
    for (const item of items) described.push(await describeValue(item, options));
    return described;
  };
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : { float: floatText(value) };
  if (typeof value === 'bigint')
    return value > 2n ** 53n || value < -(2n ** 53n) ? { int: String(value) } : Number(value);
  if (value instanceof Uint8Array) return { bytes_hex: hexOf(value) };
  if (Array.isArray(value)) return all(value);
  if (value instanceof Set) return { set: (await all(value)).sort(inOrder) };
  if (value instanceof Map) {
    const keys = [...value.keys()];
    const values = await all(value.values());
    if (keys.every((key) => typeof key === 'string'))
      return Object.fromEntries(keys.map((key, i) => [key, values[i]!]));
    const described = await all(keys);
    return { entries: described.map((key, i) => [key, values[i]!]) };
  }
  switch (value.kind) {
    case 'tuple':
      return { tuple: await all(value.items) };
    case 'size':
      return { 'torch.Size': [...value.items] };
    case 'torch':
      return { torch: value.name };
    case 'complex':
      return { complex: [float(value.real), float(value.imaginary)] };
    case 'float':
      return describeValue(value.value, options);
    case 'numpy-scalar':
      return { numpy_scalar: value.dtype, value: element(value.value) };
    case 'unread':
      return { unread: value.what, ...(value.shape && { shape: [...value.shape] }) };
    case 'ndarray':
      return { ndarray: true, dtype: value.dtype, shape: [...value.shape], ...(await contentOf(value, options)) };
    case 'tensor':
      return {
        ...(await describeTensor(value, options)),
        // As PyTorch says it: short names for the types that have a storage of their own.
        dtype: storageNames.has(value.dtype) ? value.dtype : `torch.${value.dtype}`,
        ...(!value.contiguous && { stride: [...value.stride], storage_offset: value.storageOffset }),
        ...(value.parameter && { parameter: true }),
      };
  }
}
