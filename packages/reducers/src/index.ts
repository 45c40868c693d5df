// Methods
export * from './pca/pca.ts';
export * from './umap/umap.ts';
export * from './kmeans/kmeans.ts';
export * from './random-projection/random-projection.ts';
// Models
export * from './models/model.ts';
export * from './models/model-file.ts';
export { restoreReducer } from './models/restore.ts';
// Colours
export * from './colours/limits.ts';
export * from './colours/oklab.ts';
// Judging
export * from './compare/compare.ts';
