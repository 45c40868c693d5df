// Makes one output folder of several.

import { mergeRuns as mergeStores } from '@deepearth/core/merge-runs';
import type { Manifest } from '@deepearth/core/manifest';
import { folderStore } from './folder-store.ts';

/**
 * Copies what runs over parts of one input wrote into one folder and writes the manifest of the whole. Throws as core's
 * `mergeRuns` does.
 */
export const mergeRuns = (parts: readonly string[], into: string): Promise<Manifest> =>
  mergeStores(parts.map(folderStore), folderStore(into));
