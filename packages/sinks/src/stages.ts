// The stages of this package, loaded when they are named.

import type { StageList } from '@deepearth/core/stage';

/** The stages of this package by type, loaded when they are named. */
export const stages: StageList = {
  'sink/features': async () => (await import('./features.ts')).features,
  'sink/pictures': async () => (await import('./pictures.ts')).pictures,
  'sink/gif': async () => (await import('./gif.ts')).gif,
  'sink/package': async () => (await import('./package.ts')).packageSink,
};
