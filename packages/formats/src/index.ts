// Bytes
export * from './bytes.ts';
// Tensors in files
export * from './lazy-tensor.ts';
export * from './safetensors.ts';
// Archives
export * from './zip.ts';
export * from './zip-writer.ts';
export { crc32 } from './crc32.ts';
// NumPy
export * from './npy.ts';
export * from './npz.ts';
