// Reads the manifest that a run has left in a store.

import type { Manifest, RunTimes } from './manifest.ts';
import { manifestName } from './safe-path.ts';
import type { RunStore } from './store.ts';

/** The manifest of a store, `undefined` where there is none. Throws a `SyntaxError` when it is no JSON. */
export async function readManifest(store: RunStore): Promise<Manifest | undefined> {
  const file = await store.get(manifestName);
  if (!file) return undefined;
  try {
    return upgraded(JSON.parse(new TextDecoder().decode(await file.read(0, file.size))) as Manifest | FirstManifest);
  } finally {
    await file.close();
  }
}

/** Format 1 had the times of the run and of its stages among everything else. */
type FirstManifest = Omit<Manifest, 'format' | 'times' | 'stages'> &
  Omit<RunTimes, 'busySeconds'> & {
    readonly format: 1;
    readonly stages: readonly (Manifest['stages'][number] & { readonly busySeconds: number })[];
  };

function upgraded(manifest: Manifest | FirstManifest): Manifest {
  if (manifest.format !== 1) return manifest;
  const { startedAt, finishedAt, seconds, stages, ...rest } = manifest;
  const busySeconds = Object.fromEntries(stages.map((stage) => [stage.id, stage.busySeconds]));
  return {
    ...rest,
    format: 2,
    times: { startedAt, finishedAt, seconds, busySeconds },
    stages: stages.map(({ busySeconds: _, ...stage }) => stage),
  };
}
