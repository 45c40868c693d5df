// The stages of this package, loaded when they are named.

import type { StageList } from '@deepearth/core/stage';

export const stages: StageList = {
  'reducer/pca': async () => (await import('./stages/pca.ts')).pcaStage,
  'reducer/umap': async () => (await import('./stages/umap.ts')).umapStage,
};
