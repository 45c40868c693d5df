// The stages of this package, loaded when they are named.

import type { StageList } from '@deepearth/core/stage';

/** The stages of this package by type, loaded when they are named. */
export const stages: StageList = {
  'windower/sliding': async () => (await import('./sliding.ts')).sliding,
  'windower/uniform': async () => (await import('./uniform.ts')).uniform,
  'windower/scene': async () => (await import('./scene.ts')).scene,
  'windower/still': async () => (await import('./still.ts')).still,
};
