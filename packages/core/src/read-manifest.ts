// Reads the manifest that a run has left in a store.

import type { Manifest } from './manifest.ts';
import { manifestName } from './safe-path.ts';
import type { RunStore } from './store.ts';

/** The manifest of a store, `undefined` where there is none. Throws a `SyntaxError` when it is no JSON. */
export async function readManifest(store: RunStore): Promise<Manifest | undefined> {
  const file = await store.get(manifestName);
  if (!file) return undefined;
  try {
    return JSON.parse(new TextDecoder().decode(await file.read(0, file.size))) as Manifest;
  } finally {
    await file.close();
  }
}
