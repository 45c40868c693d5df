// Finds the folder or file of a model by the name that a user gives.

import { readFile, stat, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { InputError } from '@deepearth/core/errors';
import { cacheFolder, cleanCache, fillingCache, rememberedDigest, writeAtomically } from './cache.ts';
import type { AnyFamily, BuiltinModel } from './family.ts';
import { parseHubName } from './hub.ts';
import { namesOf } from './published.ts';

/** Options of `resolveModel`, which may download. */
export interface ResolveOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called when a cached model is used because the Hub does not answer. */
  readonly log?: ((message: string) => void) | undefined;
  readonly progress?: ((step: string, done: number, total: number) => void) | undefined;
}

/** Where a model lies. */
export interface ResolvedModel {
  /** A folder with config.json and weights, or a weights file. */
  readonly path: string;
  /** For people and for the manifest. */
  readonly name: string;
}

const exists = async (path: string): Promise<boolean> => (await stat(path).catch(() => undefined)) !== undefined;

/**
 * Writes a built-in checkpoint into the cache, unless it is there as it was written: its folder is named after its
 * content, and a list beside it has the digests of its files.
 */
async function placeBuiltin({ title, digest, write }: BuiltinModel): Promise<ResolvedModel> {
  const path = join(cacheFolder(), 'builtin', await digest());
  const list = `${path}.sha256.json`;
  if (!(await isAsListed(path, list)))
    await fillingCache(async () => {
      const files = (await write(path)).map(({ path: file, sha256 }) => [basename(file), sha256] as const);
      await writeAtomically(list, (temporary) => writeFile(temporary, JSON.stringify(Object.fromEntries(files))));
    });
  return { path, name: title };
}

/** Whether a folder holds the files of a list with their digests; false where there is no list that can be read. */
async function isAsListed(folder: string, list: string): Promise<boolean> {
  try {
    const files = Object.entries(JSON.parse(await readFile(list, 'utf8')) as Readonly<Record<string, string>>);
    for (const [name, sha256] of files)
      if ((await rememberedDigest(join(folder, basename(name)))).sha256 !== sha256) return false;
    return files.length > 0;
  } catch {
    return false;
  }
}

/**
 * Finds a model of one of `families`: a built-in one, a folder, a weights file, or the name of a repository on the
 * Hugging Face Hub, which is fetched. Throws an `InputError` when it is none of them.
 */
export async function resolveModel(
  families: readonly AnyFamily[],
  model: string,
  { signal, log, progress }: ResolveOptions = {},
): Promise<ResolvedModel> {
  await cleanCache();
  const builtins = families.flatMap(({ builtin }) => builtin ?? []);
  const builtin = builtins.find(({ name }) => name === model);
  if (builtin) return placeBuiltin(builtin);
  if (await exists(model)) return { path: resolve(model), name: model };
  const known = families.flatMap(({ catalogue }) => namesOf(catalogue));
  if (parseHubName(model)) {
    const { fetchModel } = await import('./hub.ts');
    const path = await fetchModel(model, {
      signal,
      known,
      ...(log && { warn: log }),
      ...(progress && {
        progress: ({ file, doneBytes, totalBytes }) => progress(`fetch ${file}`, doneBytes, totalBytes),
      }),
    });
    return { path, name: model };
  }
  throw noModel(families, model);
}

/** The error for what is no model and cannot be the name of one. */
export function noModel(families: readonly AnyFamily[], model: string): InputError {
  const builtins = families.flatMap(({ builtin }) => builtin ?? []);
  const [known] = families.flatMap(({ catalogue }) => namesOf(catalogue));
  return new InputError(model, 'is no folder, no file and no name of a model.', {
    code: 'E_MODEL_MISSING',
    remedy: `Give ${builtins.map(({ name }) => `"${name}", `).join('')}a folder with config.json and model.safetensors, a weights file, or a name like ${known}.`,
  });
}
