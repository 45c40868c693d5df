// From what a user calls a model to the folder or file that holds it.

import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { InputError } from '@deepearth/core/errors';
import { lineage, sha256 } from '@deepearth/core/lineage';
import { bytesOf } from '@deepearth/core/tensor';
import { cacheFolder, fillingCache } from '@deepearth/onnx/cache';
import { parseHubName } from '@deepearth/onnx/hub';

export interface ResolveOptions {
  readonly signal?: AbortSignal | undefined;
  /** Told when a cached model is used because the Hub does not answer. */
  readonly log?: ((message: string) => void) | undefined;
  readonly progress?: ((step: string, done: number, total: number) => void) | undefined;
}

export interface ResolvedModel {
  /** A folder with config.json and weights, or a weights file. */
  readonly path: string;
  /** For people and for the manifest. */
  readonly name: string;
}

const exists = async (path: string): Promise<boolean> => (await stat(path).catch(() => undefined)) !== undefined;

/** Writes the built-in checkpoint into the cache once; its folder is named after its content. */
async function builtin(): Promise<ResolvedModel> {
  const { builtinCheckpoint, builtinTitle } = await import('./builtin.ts');
  const { writeBuiltin } = await import('./builtin-folder.ts');
  const { config, tensors } = builtinCheckpoint();
  const path = join(
    cacheFolder(),
    'builtin',
    lineage(config, ...[...tensors].map(([name, t]) => [name, sha256(bytesOf(t))])),
  );
  if (!(await exists(join(path, 'config.json')))) await fillingCache(() => writeBuiltin(path));
  return { path, name: builtinTitle };
}

/**
 * Finds a model: `builtin`, a folder, a weights file, or the name of a repository on the Hugging Face Hub. Throws an
 * `InputError` when it is none of them.
 */
export async function resolveModel(
  model: string,
  { signal, log, progress }: ResolveOptions = {},
): Promise<ResolvedModel> {
  if (model === 'builtin') return builtin();
  if (await exists(model)) return { path: resolve(model), name: model };
  if (parseHubName(model)) {
    const { fetchModel } = await import('@deepearth/onnx/hub');
    const { knownNames } = await import('./catalogue.ts');
    const path = await fetchModel(model, {
      signal,
      known: knownNames,
      ...(log && { warn: log }),
      ...(progress && {
        progress: ({ file, doneBytes, totalBytes }) => progress(`fetch ${file}`, doneBytes, totalBytes),
      }),
    });
    return { path, name: model };
  }
  throw new InputError(model, 'is no folder, no file and no name of a model.', {
    code: 'E_MODEL_MISSING',
    remedy:
      'Give "builtin", a folder with config.json and model.safetensors, a .pt file, or a name like facebook/vjepa2-vitl-fpc64-256.',
  });
}
