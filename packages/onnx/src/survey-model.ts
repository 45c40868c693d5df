// What can be said of a model without reading its weights.

import { stat } from 'node:fs/promises';
import { readArchitecture, openCheckpoint } from './checkpoint.ts';
import { readConfig, type Architecture } from './architecture.ts';

/** Architecture and name of a model; the architecture is absent for a model on the Hub that is not in the catalogue. */
export interface ModelSurvey {
  readonly name: string;
  readonly architecture?: Architecture;
}

/**
 * Reads a config.json, or the directory of a weights file; names on the Hub are looked up in the catalogue. Throws what
 * `openCheckpoint` throws.
 */
export async function surveyModel(model: string, weights?: string): Promise<ModelSurvey> {
  if (model === 'builtin') {
    const { builtinConfig, builtinTitle } = await import('./builtin.ts');
    return { name: builtinTitle, architecture: readConfig(builtinConfig, 'builtin') };
  }
  const found = await stat(model).catch(() => undefined);
  if (found?.isDirectory() && !weights) return { name: model, architecture: await readArchitecture(model) };
  if (found) {
    const checkpoint = await openCheckpoint(model, { weights });
    await checkpoint.close();
    return { name: model, architecture: checkpoint.architecture };
  }
  const { encoderOf, findEntry } = await import('./catalogue.ts');
  const entry = findEntry(model.replace(/@.*$/, ''));
  if (!entry) return { name: model };
  const { hiddenSize, layers, heads, mlpSize } = encoderOf(entry);
  const config = {
    model_type: entry.family === '2.1' ? 'vjepa21' : 'vjepa2',
    hidden_size: hiddenSize,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    mlp_ratio: mlpSize / hiddenSize,
    crop_size: entry.cropSize,
    frames_per_clip: entry.framesPerClip,
  };
  return { name: model, architecture: { ...readConfig(config, model), mlpSize } };
}
