// Methods
export { pca, pcaFit, restorePca, type PcaFit, type PcaModel, type PcaOptions, type Rows } from './pca/pca.ts';
export * from './umap/umap.ts';
export * from './kmeans/kmeans.ts';
export * from './random-projection/random-projection.ts';
// Models
export * from './models/model.ts';
export * from './models/model-file.ts';
// Reductions and their parts
export * from './run/reduction.ts';
export type { GridRows, SeenGrid } from './tokens/grid-rows.ts';
export * from './run/reductions.ts';
export * from './run/parts.ts';
export * from './models/part-file.ts';
export type { Sliced } from './shared/pace.ts';
// Colours
export * from './colours/limits.ts';
export * from './colours/oklab.ts';
// Judging
export * from './compare/compare.ts';
