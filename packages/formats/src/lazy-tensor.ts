// A tensor that lies in a file and is read on demand, whole or in part.

import { bytesOf, elementBytes, elementCount, tensor, viewAs, type DType, type Tensor } from '@deepearth/core/tensor';
import { chunkBytes, type ByteSource } from './bytes.ts';

/** Where a tensor's values lie in its file, byte for byte as in memory. */
export interface Location {
  /** From the start of the file, in bytes. */
  readonly offset: number;
  readonly bytes: number;
}

/** A tensor in a file. Opening the file reads none of its values. */
export interface LazyTensor<D extends DType = DType> {
  readonly dtype: D;
  readonly shape: readonly number[];
  /** Bytes of all values. */
  readonly bytes: number;
  /**
   * Where the values lie in C order, little-endian and uncompressed, so that other programs can be pointed there;
   * `undefined` when reading them takes a conversion (a strided view, big-endian, deflated, inside a pickle).
   */
  locate(signal?: AbortSignal): Promise<Location | undefined>;
  /**
   * The whole tensor, checked against the file's checksum where it has one. It may share memory with a source that is
   * in memory.
   */
  read(signal?: AbortSignal): Promise<Tensor<D>>;
  /** `length` bytes from `start` of the values in C order, little-endian. Throws a `RangeError` beyond them. */
  readBytes(start: number, length: number, signal?: AbortSignal): Promise<Uint8Array>;
  /**
   * The values in C order, little-endian, in chunks of a few MiB; the last comes only after the check that `read` does.
   */
  chunks(signal?: AbortSignal): AsyncIterable<Uint8Array>;
  /**
   * Checks the values against the file's checksum, where it has one; reads them unless that was done. Throws an
   * `InputError`.
   */
  verify(signal?: AbortSignal): Promise<void>;
}

/** What a lazy tensor is made of: type, shape, and a way to read bytes of its values. */
export interface LazyTensorParts<D extends DType> {
  readonly dtype: D;
  readonly shape: readonly number[];
  /** Left out where values lie nowhere as they are. */
  locate?(signal?: AbortSignal): Promise<Location | undefined>;
  readBytes(start: number, length: number, signal?: AbortSignal): Promise<Uint8Array>;
  /** Left out where the file has no checksum. */
  verify?(signal?: AbortSignal): Promise<void>;
  /** How much `chunks` asks for at once; 4 MiB by default. */
  readonly stepBytes?: number;
}

/** Makes a lazy tensor from a way to read a range of its bytes. */
export function lazyTensor<D extends DType>({
  dtype,
  shape,
  locate = async () => undefined,
  readBytes,
  verify = async () => undefined,
  stepBytes = chunkBytes,
}: LazyTensorParts<D>): LazyTensor<D> {
  const bytes = elementCount(shape) * elementBytes(dtype);
  const readRange = (start: number, length: number, signal?: AbortSignal): Promise<Uint8Array> => {
    const inside =
      Number.isSafeInteger(start) &&
      Number.isSafeInteger(length) &&
      start >= 0 &&
      length >= 0 &&
      start + length <= bytes;
    return inside
      ? readBytes(start, length, signal)
      : Promise.reject(new RangeError(`bytes ${start} to ${start + length} of a tensor that has ${bytes}`));
  };
  return {
    dtype,
    shape,
    bytes,
    locate,
    readBytes: readRange,
    verify,
    read: async (signal) => {
      const values = await readBytes(0, bytes, signal);
      await verify(signal);
      return tensor(dtype, shape, viewAs(dtype, values));
    },
    chunks: async function* (signal) {
      const step = stepBytes - (stepBytes % elementBytes(dtype));
      for (let at = 0; at < bytes; at += step) {
        const chunk = await readBytes(at, Math.min(step, bytes - at), signal);
        if (at + step >= bytes) await verify(signal);
        yield chunk;
      }
    },
  };
}

/** A tensor whose place in its file is known without looking. */
export interface StoredTensor<D extends DType = DType> extends LazyTensor<D> {
  readonly location: Location;
}

/** A tensor whose values lie in `source` from `offset` as they are in memory. */
export function storedTensor<D extends DType>(
  source: ByteSource,
  dtype: D,
  shape: readonly number[],
  offset: number,
): StoredTensor<D> {
  const location = { offset, bytes: elementCount(shape) * elementBytes(dtype) };
  return {
    ...lazyTensor({
      dtype,
      shape,
      locate: async () => location,
      readBytes: (start, length, signal) => source.read(offset + start, length, signal),
    }),
    location,
  };
}

/** A tensor in memory behind the same interface, with its bytes at hand. */
export const lazyFrom = <D extends DType>(t: Tensor<D>): LazyTensor<D> & { readonly values: Uint8Array } => {
  const values = bytesOf(t);
  return {
    ...lazyTensor({
      dtype: t.dtype,
      shape: t.shape,
      readBytes: async (start, length) => values.subarray(start, start + length),
    }),
    values,
  };
};

/** Values in pieces of any size. */
export type TensorValues = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/** Tensors by name to be written: in memory or in other files. */
export type NamedValues = ReadonlyMap<string, Tensor | LazyTensor> | Readonly<Record<string, Tensor | LazyTensor>>;

/** Named tensors behind one interface; those in memory have `values`. */
export function* namedTensors(
  tensors: NamedValues,
): Generator<[string, LazyTensor & { readonly values?: Uint8Array }]> {
  const entries: [string, Tensor | LazyTensor][] =
    tensors instanceof Map
      ? [...(tensors as ReadonlyMap<string, Tensor | LazyTensor>)]
      : Object.entries(tensors as Record<string, Tensor | LazyTensor>);
  for (const [name, t] of entries) yield [name, 'data' in t ? lazyFrom(t) : t];
}

/** Rows `first` to `first + count` along the first axis. Throws a `RangeError` when there are not as many. */
export async function readRows<D extends DType>(
  t: LazyTensor<D>,
  first: number,
  count: number,
  signal?: AbortSignal,
): Promise<Tensor<D>> {
  const [rows = 0, ...rest] = t.shape;
  if (first < 0 || count < 0 || first + count > rows)
    throw new RangeError(`rows ${first} to ${first + count} of a tensor that has ${rows}`);
  const rowBytes = elementCount(rest) * elementBytes(t.dtype);
  return tensor(
    t.dtype,
    [count, ...rest],
    viewAs(t.dtype, await t.readBytes(first * rowBytes, count * rowBytes, signal)),
  );
}
