// The stages of this package, loaded when they are named.

import type { StageList } from '@deepearth/core/stage';

/** The stages of this package by type, loaded when they are named. */
export const stages: StageList = {
  'sink/features': async () => (await import('./features.ts')).features,
  'sink/table': async () => (await import('./table.ts')).table,
  'sink/pictures': async () => (await import('./pictures.ts')).pictures,
  'sink/gif': async () => (await import('./gif.ts')).gif,
  'sink/webp': async () => (await import('./webp.ts')).webp,
  'sink/apng': async () => (await import('./apng.ts')).apng,
  'sink/explorer': async () => (await import('./explorer.ts')).explorer,
  'sink/package': async () => (await import('./package.ts')).packageSink,
};
