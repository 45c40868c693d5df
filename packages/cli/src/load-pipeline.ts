// Loads the pipeline file that a command names.

import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { loadConfig, type LoadedConfig } from '@deepearth/runtime/config';
import { closestFile, DeepEarthError, InputError } from '@deepearth/core/errors';
import { builtinStages } from './registry.ts';

/** Throws a `ConfigError` with every issue, or a usage error that suggests a file when there is none of that name. */
export async function loadPipeline(file: string, overrides: readonly string[] = []): Promise<LoadedConfig> {
  try {
    return await loadConfig(file, { registry: builtinStages(), overrides, env: process.env });
  } catch (error) {
    if (error instanceof InputError && error.subject === file)
      throw new DeepEarthError(error.message, {
        code: 'E_PIPELINE_FILE',
        remedy: error.remedy ?? (await suggestion(file)),
        cause: error,
      });
    throw error;
  }
}

async function suggestion(file: string): Promise<string> {
  const inside = await pipelineFiles(file);
  const folder = inside ? file : dirname(file);
  const names = inside ?? (await pipelineFiles(folder)) ?? [];
  const near = inside?.length === 1 ? inside[0] : closestFile(basename(file), names);
  if (near) return `Did you mean ${join(folder, near)}?`;
  return names.length
    ? `Pipeline files there: ${names.slice(0, 5).join(', ')}.`
    : '"deepearth init" writes one to start from.';
}

/** The names of a folder's files of YAML; `undefined` for what is no folder. */
async function pipelineFiles(folder: string): Promise<string[] | undefined> {
  const names = await readdir(folder).catch(() => undefined);
  return names?.filter((name) => /\.ya?ml$/.test(name)).sort();
}
