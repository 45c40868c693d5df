// PyTorch's names of element types and storages.

import type { DType } from '@deepearth/core/tensor';

/** Storage class by element type; types without one are kept in an `UntypedStorage`. */
export const storageNames: ReadonlyMap<DType, string> = new Map([
  ['float64', 'DoubleStorage'],
  ['float32', 'FloatStorage'],
  ['float16', 'HalfStorage'],
  ['bfloat16', 'BFloat16Storage'],
  ['int64', 'LongStorage'],
  ['int32', 'IntStorage'],
  ['int16', 'ShortStorage'],
  ['int8', 'CharStorage'],
  ['uint8', 'ByteStorage'],
  ['bool', 'BoolStorage'],
  ['complex64', 'ComplexFloatStorage'],
  ['complex128', 'ComplexDoubleStorage'],
]);

/** Element types that torch names and this package reads, by torch's own names, which are the same. */
export const torchDtypes: ReadonlySet<DType> = new Set([
  ...storageNames.keys(),
  'float8_e4m3fn',
  'float8_e5m2',
  'uint16',
  'uint32',
  'uint64',
]);

/** Storages of quantized values, whose tensors are not read. */
export const unreadStorages: ReadonlyMap<string, { readonly name: string; readonly bytes: number }> = new Map([
  ['QInt8Storage', { name: 'qint8', bytes: 1 }],
  ['QUInt8Storage', { name: 'quint8', bytes: 1 }],
  ['QInt32Storage', { name: 'qint32', bytes: 4 }],
  ['QUInt4x2Storage', { name: 'quint4x2', bytes: 1 }],
  ['QUInt2x4Storage', { name: 'quint2x4', bytes: 1 }],
]);

/** Names of torch that are neither types nor functions and stand in files as values. */
export const torchValues: readonly string[] = [
  'strided',
  'sparse_coo',
  'sparse_csr',
  'sparse_csc',
  'sparse_bsr',
  'sparse_bsc',
  'jagged',
  'per_tensor_affine',
  'per_channel_affine',
  'per_tensor_symmetric',
  'per_channel_symmetric',
  'per_channel_affine_float_qparams',
];

/** Bytes that are turned round in a big-endian value: a complex number's halves each on their own. */
export const swapWidth = (dtype: DType, elementBytes: number): number =>
  dtype.startsWith('complex') ? elementBytes / 2 : elementBytes;
