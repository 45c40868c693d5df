// Files on their way into a package.

import type { Artifact } from '@deepearth/core';

/** A file under the path that it has in the archive, with the one that it is stored under. */
export type Placed = Artifact & { readonly stored: string };
