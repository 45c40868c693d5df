// The stages of this package, loaded when they are named.

import type { StageList } from '@deepearth/core/stage';

export const stages: StageList = {
  'reducer/pca': async () => (await import('./pca/pca-stage.ts')).pcaStage,
  'reducer/umap': async () => (await import('./umap/umap-stage.ts')).umapStage,
  'reducer/kmeans': async () => (await import('./kmeans/kmeans-stage.ts')).kmeansStage,
  'reducer/similarity': async () => (await import('./similarity/similarity-stage.ts')).similarityStage,
  'reducer/random-projection': async () =>
    (await import('./random-projection/random-projection-stage.ts')).randomProjectionStage,
  'reducer/inverse': async () => (await import('./inverse/inverse-stage.ts')).inverseStage,
  'reducer/none': async () => (await import('./none/none-stage.ts')).noneStage,
};
