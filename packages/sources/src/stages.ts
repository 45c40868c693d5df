// The stages of this package, loaded when they are named.

import type { StageList } from '@deepearth/core/stage';

/** The stages of this package by type, loaded when they are named. */
export const stages: StageList = {
  'source/features': async () => (await import('./features.ts')).features,
  'source/frames': async () => (await import('./frames.ts')).frames,
  'source/list': async () => (await import('./list.ts')).list,
  'source/synthetic': async () => (await import('./synthetic.ts')).synthetic,
  'source/watch': async () => (await import('./watch.ts')).watch,
};
