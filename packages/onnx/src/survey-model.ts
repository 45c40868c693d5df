// What can be said of a model without reading its weights.

import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { EncoderArchitecture } from './architecture.ts';
import { openCheckpoint, readArchitecture } from './checkpoint.ts';
import type { ModelFamily } from './family.ts';
import { didYouMean } from './hub-refusals.ts';
import { findPublished, namesOf } from './published.ts';
import { noModel } from './resolve-model.ts';

/** Architecture and name of a model; the architecture is absent for a model on the Hub that is not in the catalogue. */
export interface ModelSurvey<A extends EncoderArchitecture> {
  readonly name: string;
  readonly architecture?: A;
  /** The folder of a model that is a folder or a file: what stands beside the weights counts. */
  readonly folder?: string;
  /** What the checkpoint says of tensors that it does not use, where it was opened; that nothing is known of a name. */
  readonly notes?: readonly string[];
}

/** The architecture of the built-in model and of those in the catalogue, by name alone; `undefined` for any other. */
export function knownArchitecture<A extends EncoderArchitecture>(
  { builtin, catalogue, readConfig }: ModelFamily<A>,
  model: string,
): A | undefined {
  if (builtin && model === builtin.name) return readConfig(builtin.config, builtin.name);
  return findPublished(catalogue, model.replace(/@.*$/, ''))?.architecture();
}

/**
 * Reads a config.json, or the directory of a weights file; names on the Hub are looked up in the catalogue. Throws an
 * `InputError` for what is no name at all, and what `openCheckpoint` throws.
 */
export async function surveyModel<A extends EncoderArchitecture>(
  family: ModelFamily<A>,
  model: string,
  weights?: string,
): Promise<ModelSurvey<A>> {
  const { builtin, catalogue } = family;
  const known = knownArchitecture(family, model);
  if (builtin && known && model === builtin.name) return { name: builtin.title, architecture: known };
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
  if (known) return { name: model, architecture: known };
  const { parseHubName } = await import('./hub.ts');
  if (!parseHubName(model)) throw noModel([family], model);
  const near = didYouMean(model.replace(/@.*$/, ''), namesOf(catalogue));
  return {
    name: model,
    notes: [
      `${model} is not among the known models: the Hub is asked for it when the run starts, and sizes are not known before${near ? ` (did you mean ${near}?)` : ''}`,
    ],
  };
}
