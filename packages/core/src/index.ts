// Items and tensors
export * from './items.ts';
export * from './tensor.ts';
export * from './half.ts';
export * from './lineage.ts';
// Stages
export * from './specs.ts';
export * from './stage.ts';
export * from './errors.ts';
