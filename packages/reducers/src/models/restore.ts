// From a saved state to the reducer it was; each kind is loaded when it is met.

import type { FittedReducer, ModelKind, ModelState } from './model.ts';

const restorers: Record<ModelKind, (state: ModelState, subject: string) => Promise<FittedReducer>> = {
  umap: async (state, subject) => (await import('../umap/umap.ts')).restoreUmap(state, subject),
  kmeans: async (state, subject) => (await import('../kmeans/kmeans.ts')).restoreKmeans(state, subject),
  'random-projection': async (state, subject) =>
    (await import('../random-projection/random-projection.ts')).restoreRandomProjection(state, subject),
  pca: async (state, subject) => (await import('../pca/pca.ts')).restorePca(state, subject),
};

/** Restores a fitted reducer. Throws an `InputError` when the state is not whole. */
export const restoreReducer = (state: ModelState, subject: string): Promise<FittedReducer> =>
  restorers[state.kind](state, subject);
