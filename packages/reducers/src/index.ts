// Methods
export * from './pca.ts';
export * from './umap.ts';
export * from './kmeans.ts';
export * from './random-projection.ts';
// Models
export * from './model.ts';
export * from './model-file.ts';
export { restoreReducer } from './restore.ts';
// Colours
export * from './limits.ts';
export * from './oklab.ts';
// Judging
export * from './compare.ts';
