// The reductions whose fits can be saved, by name; each is loaded when it is asked for.

import type { FittedReducer, ModelKind, ModelState } from '../models/model.ts';
import type { SavableReduction } from './reduction.ts';

const reductions: Readonly<Record<ModelKind, () => Promise<SavableReduction>>> = {
  pca: async () => (await import('../pca/pca-reduction.ts')).pcaReduction,
  umap: async () => (await import('../umap/umap-reduction.ts')).umapReduction,
  kmeans: async () => (await import('../kmeans/kmeans-reduction.ts')).kmeansReduction,
  'random-projection': async () =>
    (await import('../random-projection/random-projection-reduction.ts')).randomProjectionReduction,
};

/** Loads the reduction of a name. */
export const reductionOf = (kind: ModelKind): Promise<SavableReduction> => reductions[kind]();

/** Restores a fitted reducer. Throws an `InputError` when the state is not whole. */
export const restoreReducer = async (state: ModelState, subject: string): Promise<FittedReducer> =>
  (await reductionOf(state.kind)).restore(state, subject);
