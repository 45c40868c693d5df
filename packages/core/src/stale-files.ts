// What becomes of the files of earlier runs that a run did not write anew.

import type { RunEvent } from './events.ts';
import { digestOf } from './former-run.ts';
import type { ManifestOutput } from './manifest.ts';
import type { InputFile } from './stage.ts';
import type { RunStore } from './store.ts';

/** Files of earlier runs (`before`) that are not among what a run wrote and read. */
export async function staleFiles(
  store: RunStore,
  before: ReadonlyMap<string, ManifestOutput>,
  outputs: AsyncIterable<Pick<ManifestOutput, 'path'>>,
  inputs: AsyncIterable<InputFile>,
): Promise<ManifestOutput[]> {
  if (before.size === 0) return [];
  const stale = new Map(before);
  for await (const { path } of outputs) stale.delete(path);
  if (store.pathOf)
    for await (const { path } of inputs) {
      const own = await store.pathOf(path);
      if (own !== undefined) stale.delete(own);
    }
  return [...stale.values()];
}

/** Removes files unless they were changed since they were written; each is told. */
export async function removeFiles(
  store: RunStore,
  stale: readonly ManifestOutput[],
  tell: (event: RunEvent) => void,
): Promise<void> {
  for (const { path, sha256 } of stale) {
    const file = await store.get(path);
    if (!file) continue;
    const digest = await digestOf(file).finally(() => file.close());
    if (digest !== sha256) continue;
    await store.remove(path);
    tell({ type: 'removed', path });
  }
}
