// What can be said of a saved model by its header alone.

import { InputError } from '@deepearth/core/errors';
import { openFile } from '@deepearth/formats/file-source-node';
import { openSafetensors } from '@deepearth/formats/safetensors';
import type { ModelKind } from './model.ts';

export interface ModelSurvey {
  readonly kind: ModelKind;
  readonly channels: number;
  readonly components: number;
  /** Whether it can go from projections back to tokens. */
  readonly inverse: boolean;
}

/** Channels and components by kind: which tensor tells them, and on which axes. */
const shapes: Record<
  ModelKind,
  (
    shape: (tensor: string) => readonly number[],
  ) => readonly [channels: number | undefined, components: number | undefined]
> = {
  pca: (shape) => [shape('components')[1], shape('components')[0]],
  umap: (shape) => [shape('tokens')[1], shape('embedding')[1]],
  kmeans: (shape) => [shape('centers')[1], 1],
  'random-projection': (shape) => [shape('weights')[0], shape('weights')[1]],
};

/** Looks into a model file; `undefined` where none is named. Throws an `InputError` when it is no model. */
export async function surveyModel(
  { model }: { readonly model?: string | undefined },
  signal?: AbortSignal,
): Promise<ModelSurvey | undefined> {
  if (model === undefined) return undefined;
  const source = await openFile(model);
  try {
    const file = await openSafetensors(source, signal);
    const kind = file.metadata.get('kind') as ModelKind | undefined;
    const [channels, components] =
      file.metadata.get('format') === 'deepearth-reducer' && kind !== undefined && kind in shapes
        ? shapes[kind]((name) => file.tensors.get(name)?.shape ?? [])
        : [];
    if (kind === undefined || channels === undefined || components === undefined)
      throw new InputError(model, 'is no saved reducer.', { code: 'E_MODEL', remedy: 'A run with saveAs writes one.' });
    return { kind, channels, components, inverse: kind === 'pca' || kind === 'umap' };
  } finally {
    await source.close();
  }
}
