// A manifest that goes to other machines: files of caches are called by their place in the cache, not by where this
// machine keeps it.

import type { ManifestSoFar } from '@deepearth/core';
import { sortedSpool } from '@deepearth/core/sorted-spool';

type Input = ManifestSoFar['inputs'] extends AsyncIterable<infer Each> ? Each : never;
type Room = Parameters<typeof sortedSpool>[0];

/** The manifest with its inputs under such names, in their order. `room` is where many of them are sorted. */
export async function portableManifest(manifest: ManifestSoFar, room: Room): Promise<ManifestSoFar> {
  const inputs = sortedSpool(room);
  for await (const { place, ...file } of manifest.inputs) {
    const path = place ?? file.path;
    await inputs.add(path, JSON.stringify({ ...file, path }));
  }
  return {
    ...manifest,
    inputs: {
      async *[Symbol.asyncIterator]() {
        for await (const { line } of inputs.inOrder()) yield JSON.parse(line) as Input;
      },
    },
  };
}
