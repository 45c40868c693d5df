// Bytes
export * from './bytes.ts';
// Tensors in files
export * from './lazy-tensor.ts';
export * from './safetensors.ts';
