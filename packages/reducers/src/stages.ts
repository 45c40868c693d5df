// The stages of this package, loaded when they are named.

import type { StageList } from '@deepearth/core/stage';

export const stages: StageList = {
  'reducer/pca': async () => (await import('./stages/pca.ts')).pcaStage,
  'reducer/umap': async () => (await import('./stages/umap.ts')).umapStage,
  'reducer/kmeans': async () => (await import('./stages/kmeans.ts')).kmeansStage,
  'reducer/similarity': async () => (await import('./stages/similarity.ts')).similarityStage,
  'reducer/random-projection': async () => (await import('./stages/random-projection.ts')).randomProjectionStage,
  'reducer/inverse': async () => (await import('./stages/inverse.ts')).inverseStage,
  'reducer/none': async () => (await import('./stages/none.ts')).noneStage,
};
