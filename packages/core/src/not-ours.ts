// Files that no run has written: they are never replaced.

import { InputError } from './errors.ts';
import type { FormerBooks } from './former-run.ts';
import { manifestName } from './safe-path.ts';
import type { RunStore } from './store.ts';

const notOurs = (store: RunStore, path: string): InputError =>
  new InputError(`${store.name}/${path}`, 'is there already, and no run has written it.', {
    code: 'E_NOT_OURS',
    remedy: 'Move it away, or choose another output folder.',
  });

/** Throws an `InputError` when something has a path that no earlier run has written (`before`). */
export async function refuseNotOurs(
  store: RunStore,
  path: string,
  before: { readonly has: (path: string) => boolean },
): Promise<void> {
  if (!before.has(path) && (await store.has(path))) throw notOurs(store, path);
}

/** Throws an `InputError` when the manifest of a store, which would be replaced, is not that of a run. */
export async function refuseForeignManifest(store: RunStore, { manifest }: FormerBooks): Promise<void> {
  if (!(await store.has(manifestName))) return;
  if (Array.isArray(manifest?.outputs) && typeof manifest.format === 'number') return;
  throw notOurs(store, manifestName);
}
