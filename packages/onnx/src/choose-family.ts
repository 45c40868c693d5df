// Which family of encoders a model is of.

import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { InputError } from '@deepearth/core/errors';
import { readModelConfig } from './checkpoint.ts';
import type { AnyFamily } from './family.ts';

/**
 * The family of a folder or weights file, by the `model_type` of the config.json there. Without a config, or with one
 * that does not say, it is the family that knows its checkpoints by their tensors. Throws an `InputError` when none of
 * `families` is meant.
 */
export async function familyOf(families: readonly AnyFamily[], path: string): Promise<AnyFamily> {
  const isFolder = (await stat(path).catch(() => undefined))?.isDirectory() ?? true;
  const folder = isFolder ? path : dirname(path);
  const byTensors = families.find(({ inferArchitecture }) => inferArchitecture);
  const configured = await stat(join(folder, 'config.json')).catch(() => undefined);
  if (!configured && byTensors) return byTensors;
  const { json, path: config } = await readModelConfig(folder);
  const type = (json as { model_type?: unknown } | null)?.model_type;
  const found = typeof type === 'string' ? families.find(({ modelType }) => modelType.test(type)) : byTensors;
  if (found) return found;
  throw new InputError(
    config,
    `is the config of a ${JSON.stringify(type)} model; what is known is ${families.map(({ title }) => title).join(', ')}.`,
    { code: 'E_MODEL_CONFIG' },
  );
}
