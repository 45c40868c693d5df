// A tensor that lies in a file and is read when somebody asks for it, whole or in part.

import { elementBytes, elementCount, tensor, viewAs, type DType, type Tensor } from '@deepearth/core/tensor';
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
   * absent when reading them takes a conversion (a strided view, big-endian, deflated, inside a pickle).
   */
  readonly location?: Location;
  /** The whole tensor, checked against the file's checksum where it has one. */
  read(signal?: AbortSignal): Promise<Tensor<D>>;
  /** `length` bytes from `start` of the values in C order, little-endian. */
  readBytes(start: number, length: number, signal?: AbortSignal): Promise<Uint8Array>;
  /** The values in C order, little-endian, in chunks of a few MiB; checked like `read` at the end. */
  chunks(signal?: AbortSignal): AsyncIterable<Uint8Array>;
}

export interface LazyTensorParts<D extends DType> {
  readonly dtype: D;
  readonly shape: readonly number[];
  readonly location?: Location | undefined;
  readBytes(start: number, length: number, signal?: AbortSignal): Promise<Uint8Array>;
  /** Called once before or after all values were read; throws when the file's checksum does not hold. */
  verify?(signal?: AbortSignal): Promise<void>;
}

/** Makes a lazy tensor from a way to read a range of its bytes. */
export function lazyTensor<D extends DType>({ dtype, shape, location, readBytes, verify }: LazyTensorParts<D>): LazyTensor<D> {
  const bytes = elementCount(shape) * elementBytes(dtype);
  return {
    dtype,
    shape,
    bytes,
    ...(location && { location }),
    readBytes,
    read: async (signal) => {
      await verify?.(signal);
      return tensor(dtype, shape, viewAs(dtype, await readBytes(0, bytes, signal)));
    },
    chunks: async function* (signal) {
      await verify?.(signal);
      const step = chunkBytes - (chunkBytes % elementBytes(dtype));
      for (let at = 0; at < bytes; at += step) yield await readBytes(at, Math.min(step, bytes - at), signal);
    },
  };
}

/** A tensor whose values lie in `source` from `offset` as they are in memory. */
export const storedTensor = <D extends DType>(source: ByteSource, dtype: D, shape: readonly number[], offset: number): LazyTensor<D> =>
  lazyTensor({
    dtype,
    shape,
    location: { offset, bytes: elementCount(shape) * elementBytes(dtype) },
    readBytes: (start, length, signal) => source.read(offset + start, length, signal),
  });

/** A tensor in memory behind the same interface. */
export const lazyFrom = <D extends DType>(t: Tensor<D>): LazyTensor<D> => {
  const all = new Uint8Array(t.data.buffer, t.data.byteOffset, t.data.byteLength);
  return lazyTensor({ dtype: t.dtype, shape: t.shape, readBytes: async (start, length) => all.subarray(start, start + length) });
};

/** Rows `first` to `first + count` along the first axis. Throws a `RangeError` when there are not as many. */
export async function readRows<D extends DType>(t: LazyTensor<D>, first: number, count: number, signal?: AbortSignal): Promise<Tensor<D>> {
  const [rows = 0, ...rest] = t.shape;
  if (first < 0 || count < 0 || first + count > rows) throw new RangeError(`rows ${first} to ${first + count} of a tensor that has ${rows}`);
  const rowBytes = elementCount(rest) * elementBytes(t.dtype);
  return tensor(t.dtype, [count, ...rest], viewAs(t.dtype, await t.readBytes(first * rowBytes, count * rowBytes, signal)));
}
