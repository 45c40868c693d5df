// What can be said of a saved model by its header alone.

import { InputError } from '@deepearth/core/errors';
import { openFile } from '@deepearth/formats/file-source-node';
import { openSafetensors } from '@deepearth/formats/safetensors';
import { reductionOf } from '../run/reductions.ts';
import { modelKinds, type ModelKind } from './model.ts';

export interface ModelSurvey {
  readonly kind: ModelKind;
  readonly channels: number;
  readonly components: number;
  /** Whether it can go from projections back to tokens. */
  readonly inverse: boolean;
}

/** Looks into a model file; `undefined` where none is named. Throws an `InputError` when it is no model. */
export async function surveyModel(
  { model }: { readonly model?: string | undefined },
  signal?: AbortSignal,
): Promise<ModelSurvey | undefined> {
  if (model === undefined) return undefined;
  const source = await openFile(model);
  try {
    const file = await openSafetensors(source, signal);
    const kind = modelKinds.find((known) => known === file.metadata.get('kind'));
    const reduction = kind && file.metadata.get('format') === 'deepearth-reducer' ? await reductionOf(kind) : undefined;
    const [channels, components] = reduction?.sizes((name) => file.tensors.get(name)?.shape ?? []) ?? [];
    if (!kind || !reduction || channels === undefined || components === undefined)
      throw new InputError(model, 'is no saved reducer.', {
        code: 'E_REDUCER_FILE',
        remedy: 'A run with saveAs writes one.',
      });
    return { kind, channels, components, inverse: reduction.inverts };
  } finally {
    await source.close();
  }
}
