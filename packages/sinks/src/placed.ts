// Files on their way into a package.

import type { Artifact } from '@deepearth/core';

/** A file under the path that it has in the archive, with the one that it is stored under. */
export type Placed = Artifact & { readonly stored: string };

/** The same with no more of its frames than the first and the last, which is what is told of them. */
export function abridged(artifact: Artifact): Artifact {
  const frames = artifact.about?.frames ?? [];
  if (frames.length <= 2) return artifact;
  return { ...artifact, about: { ...artifact.about!, frames: [frames[0]!, frames.at(-1)!] } };
}
