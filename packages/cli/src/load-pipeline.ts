// Loads the pipeline file that a command names.

import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { loadConfig, type LoadedConfig } from '@deepearth/runtime/config';
import { closest, DeepEarthError, InputError } from '@deepearth/core/errors';
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
  const folder = dirname(file);
  const names = (await readdir(folder).catch(() => [])).filter((name) => /\.ya?ml$/.test(name));
  const near = closest(basename(file), names);
  if (near) return `Did you mean ${join(folder, near)}?`;
  return names.length
    ? `Pipeline files there: ${names.slice(0, 5).join(', ')}.`
    : '"deepearth init" writes one to start from.';
}
