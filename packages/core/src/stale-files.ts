// What becomes of the files of earlier runs that a run did not write anew.

import type { RunEvent } from './events.ts';
import { digestOf } from './former-run.ts';
import type { ManifestOutput } from './manifest.ts';
import type { InputFile } from './stage.ts';
import type { RunStore } from './store.ts';

/** Files of earlier runs that a run did not write, without its own inputs. */
export async function staleFiles(
  store: RunStore,
  before: ReadonlyMap<string, ManifestOutput>,
  wrote: (path: string) => boolean,
  inputs: AsyncIterable<InputFile>,
): Promise<ManifestOutput[]> {
  const kept = new Set<string>();
  if (store.pathOf && before.size > 0)
    for await (const { path } of inputs) {
      const own = await store.pathOf(path);
      if (own !== undefined) kept.add(own);
    }
  return [...before.values()].filter(({ path }) => !wrote(path) && !kept.has(path));
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
