// Files of a checkpoint as inputs of a run.

import { join, sep } from 'node:path';
import type { InputFile } from '@deepearth/core/input-file';
import { cacheFolder, rememberedDigest } from './cache.ts';
import { hubEnvironment } from './hub-environment.ts';

/** Where a file of a cache is, without what is this machine's own; `undefined` for one that lies elsewhere. */
export function placeInCache(path: string): string | undefined {
  const caches = [
    ['$DEEPEARTH_CACHE', cacheFolder()],
    ['$HF_HUB_CACHE', hubEnvironment().cache],
  ] as const;
  for (const [name, folder] of caches)
    if (path.startsWith(join(folder, sep))) return [name, ...path.slice(join(folder, sep).length).split(sep)].join('/');
  return undefined;
}

/** A file of a checkpoint, for the manifest. Throws as `rememberedDigest`. */
export async function weightsInput(path: string, signal?: AbortSignal): Promise<InputFile> {
  const place = placeInCache(path);
  return { path, ...(place !== undefined && { place }), ...(await rememberedDigest(path, signal)) };
}
