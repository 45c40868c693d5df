// What can be said of a model without reading its weights.

import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { EncoderArchitecture } from './architecture.ts';
import { openCheckpoint, readArchitecture } from './checkpoint.ts';
import type { ModelFamily } from './family.ts';
import { findPublished } from './published.ts';

/** Architecture and name of a model; the architecture is absent for a model on the Hub that is not in the catalogue. */
export interface ModelSurvey<A extends EncoderArchitecture> {
  readonly name: string;
  readonly architecture?: A;
  /** The folder of a model that is a folder or a file: what stands beside the weights counts. */
  readonly folder?: string;
  /** What the checkpoint says of tensors that it does not use, where it was opened. */
  readonly notes?: readonly string[];
}

/**
 * Reads a config.json, or the directory of a weights file; names on the Hub are looked up in the catalogue. Throws what
 * `openCheckpoint` throws.
 */
export async function surveyModel<A extends EncoderArchitecture>(
  family: ModelFamily<A>,
  model: string,
  weights?: string,
): Promise<ModelSurvey<A>> {
  const { builtin, catalogue } = family;
  if (builtin && model === builtin.name)
    return { name: builtin.title, architecture: family.readConfig(builtin.config, builtin.name) };
  const found = await stat(model).catch(() => undefined);
  if (found?.isDirectory() && !weights)
    return { name: model, architecture: await readArchitecture(family, model), folder: model };
  if (found) {
    const checkpoint = await openCheckpoint(family, model, { weights });
    await checkpoint.close();
    return {
      name: model,
      architecture: checkpoint.architecture,
      notes: checkpoint.notes,
      folder: found.isDirectory() ? model : dirname(model),
    };
  }
  const entry = findPublished(catalogue, model.replace(/@.*$/, ''));
  return entry ? { name: model, architecture: entry.architecture() } : { name: model };
}
