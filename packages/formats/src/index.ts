// Bytes
export * from './bytes.ts';
// Tensors in files
export * from './lazy-tensor.ts';
export * from './safetensors.ts';
// ONNX models
export * from './onnx.ts';
// Archives
export * from './zip.ts';
export * from './zip-writer.ts';
export { crc32 } from './crc32.ts';
export type { EntrySource } from './entry-source.ts';
// NumPy
export * from './npy.ts';
export * from './npz.ts';
// PyTorch
export * from './pt.ts';
export * from './pt-writer.ts';
export type { PtWritable } from './pt-pickle-writer.ts';
export type { PtTensor, TurnedSigns } from './pt-tensor.ts';
export type { UnreadTensor } from './unread-tensor.ts';
export * from './python-values.ts';
export type { Ndarray, NumpyScalar } from './numpy-kinds.ts';
export { decodeElement, type Element } from './elements.ts';
// One format into another
export * from './convert.ts';
export { tensorTypes, type TensorType } from './retype.ts';
export * from './int8.ts';
export * from './scale.ts';
export { castTensor, type CastTo, type Named } from './cast.ts';
// What a file holds
export * from './inspect.ts';
export type { Description } from './inspect-value.ts';
export * from './statistics.ts';
export * from './inspect-text.ts';
export * from './file-kind.ts';
export { printable } from './printable.ts';
