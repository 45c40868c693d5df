// A tensor: a flat typed array with a shape. Pure: runs in Node and in a browser.

/**
 * Element types. `float16` and `bfloat16` keep their bits in a `Uint16Array`, the float8 kinds and `bool` in a
 * `Uint8Array`, complex numbers as (real, imaginary) pairs.
 */
export interface TensorArrays {
  float64: Float64Array;
  float32: Float32Array;
  float16: Uint16Array;
  bfloat16: Uint16Array;
  float8_e4m3fn: Uint8Array;
  float8_e5m2: Uint8Array;
  int64: BigInt64Array;
  int32: Int32Array;
  int16: Int16Array;
  int8: Int8Array;
  uint64: BigUint64Array;
  uint32: Uint32Array;
  uint16: Uint16Array;
  uint8: Uint8Array;
  bool: Uint8Array;
  complex64: Float32Array;
  complex128: Float64Array;
}

/** Name of an element type, as safetensors and NumPy have it but for the spelling. */
export type DType = keyof TensorArrays;
/** The typed array that holds elements of a type. */
export type TensorData<D extends DType = DType> = TensorArrays[D];

const arrays = {
  float64: Float64Array,
  float32: Float32Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
  float8_e4m3fn: Uint8Array,
  float8_e5m2: Uint8Array,
  int64: BigInt64Array,
  int32: Int32Array,
  int16: Int16Array,
  int8: Int8Array,
  uint64: BigUint64Array,
  uint32: Uint32Array,
  uint16: Uint16Array,
  uint8: Uint8Array,
  bool: Uint8Array,
  complex64: Float32Array,
  complex128: Float64Array,
} as const;

/** Values in C order (last axis fastest). */
export interface Tensor<D extends DType = DType> {
  readonly dtype: D;
  readonly shape: readonly number[];
  readonly data: TensorData<D>;
}

/** All element types. */
export const dtypes = Object.keys(arrays) as DType[];

const pairs = (dtype: DType): number => (dtype === 'complex64' || dtype === 'complex128' ? 2 : 1);

/** Bytes of one element; a complex number counts as one. */
export const elementBytes = (dtype: DType): number => arrays[dtype].BYTES_PER_ELEMENT * pairs(dtype);

/** Number of elements; 1 for a scalar (`shape: []`). */
export const elementCount = (shape: readonly number[]): number => shape.reduce((n, size) => n * size, 1);

/** Makes a tensor. Throws a `RangeError` when `data` does not hold exactly `shape`'s elements. */
export function tensor<D extends DType>(dtype: D, shape: readonly number[], data: TensorData<D>): Tensor<D> {
  const expected = elementCount(shape) * pairs(dtype);
  if (data.length !== expected)
    throw new RangeError(`a ${dtype} tensor of shape [${shape.join(', ')}] has ${expected} values, got ${data.length}`);
  return { dtype, shape, data };
}

/** A tensor of zeros. */
export const zeros = <D extends DType>(dtype: D, shape: readonly number[]): Tensor<D> =>
  tensor(dtype, shape, new arrays[dtype](elementCount(shape) * pairs(dtype)) as TensorData<D>);

/** Looks at `bytes` as elements of `dtype` (little-endian); copies only when the offset is not aligned. */
export function viewAs<D extends DType>(dtype: D, bytes: Uint8Array): TensorData<D> {
  const type = arrays[dtype] as unknown as {
    new (buffer: ArrayBufferLike, offset: number, length: number): TensorData<D>;
    BYTES_PER_ELEMENT: number;
  };
  const size = type.BYTES_PER_ELEMENT;
  if (bytes.byteLength % size)
    throw new RangeError(`${bytes.byteLength} bytes are no whole number of ${dtype} elements`);
  // A Buffer's own `slice` would share its memory, and lie where it lay.
  const aligned = bytes.byteOffset % size === 0 ? bytes : Uint8Array.prototype.slice.call(bytes);
  return new type(aligned.buffer, aligned.byteOffset, aligned.byteLength / size);
}

/** The bytes of a tensor's values (little-endian, C order), without a copy. */
export const bytesOf = (t: Tensor): Uint8Array => new Uint8Array(t.data.buffer, t.data.byteOffset, t.data.byteLength);

/** The same values under another shape. Throws a `RangeError` when the counts differ. */
export const reshape = <D extends DType>(t: Tensor<D>, shape: readonly number[]): Tensor<D> =>
  tensor(t.dtype, shape, t.data);

/**
 * The part of a tensor at one place of an axis, without that axis (`torch.select`): of `[8, 24, 24, C]` at step 3 of
 * axis 0 it is `[24, 24, C]`. Along the first axis it is a view, along others a copy. Throws a `RangeError` when there
 * is no such axis or place.
 */
export function select<D extends DType>({ dtype, shape, data }: Tensor<D>, axis: number, index: number): Tensor<D> {
  const length = shape[axis];
  if (length === undefined) throw new RangeError(`axis ${axis} of a tensor of ${shape.length}`);
  if (!Number.isInteger(index) || index < 0 || index >= length)
    throw new RangeError(`place ${index} of ${length} along axis ${axis}`);
  const outer = elementCount(shape.slice(0, axis));
  const inner = elementCount(shape.slice(axis + 1)) * pairs(dtype);
  const rest = [...shape.slice(0, axis), ...shape.slice(axis + 1)];
  const block = (row: number) => data.subarray((row * length + index) * inner, (row * length + index + 1) * inner);
  if (outer === 1) return tensor(dtype, rest, block(0) as TensorData<D>);
  const out = zeros(dtype, rest);
  for (let row = 0; row < outer; row++) (out.data as Float32Array).set(block(row) as Float32Array, row * inner);
  return out;
}
