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

/** Names of element types that may stand in a file as values, though tensors of them are not read. */
export const otherTorchDtypes: readonly string[] = [
  'float8_e4m3fnuz',
  'float8_e5m2fnuz',
  'float8_e8m0fnu',
  'float4_e2m1fn_x2',
  'complex32',
  'qint8',
  'quint8',
  'qint32',
  'quint4x2',
  'quint2x4',
];

/** Bytes that are turned round in a big-endian value: a complex number's halves each on their own. */
export const swapWidth = (dtype: DType, elementBytes: number): number =>
  dtype.startsWith('complex') ? elementBytes / 2 : elementBytes;
