// Reads how far a run is: from what it tells while it goes, or from its manifest.

import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readManifest } from '@deepearth/core/read-manifest';
import { stateFolder } from '@deepearth/core/safe-path';
import { folderStore } from './folder-store.ts';
import { isRunning, ownHolder } from './lock-holder.ts';
import { liveName, type LiveFile } from './live-overview.ts';
import { overviewOf, type RunOverview } from './run-overview.ts';

/** A run of which nothing was heard for so long, and whose process cannot be seen, has ended. */
const silentMilliseconds = 15_000;

/**
 * The overview of the run in a folder; `undefined` where there is none. Throws a `SyntaxError` for a manifest that is
 * no JSON.
 */
export async function readOverview(folder: string): Promise<RunOverview | undefined> {
  const live = await readLive(folder);
  if (live) return live;
  const manifest = await readManifest(folderStore(folder));
  return manifest && overviewOf(manifest);
}

async function readLive(folder: string): Promise<RunOverview | undefined> {
  const path = join(folder, stateFolder, liveName);
  try {
    const [text, { mtimeMs }] = await Promise.all([readFile(path, 'utf8'), stat(path)]);
    const { holder, overview } = JSON.parse(text) as LiveFile;
    const running = isRunning(holder, ownHolder('')) ?? Date.now() - mtimeMs < silentMilliseconds;
    return running ? overview : { ...overview, status: 'interrupted' };
  } catch {
    return undefined;
  }
}
