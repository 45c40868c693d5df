// The stages of this package, loaded when they are named.

import type { StageList } from '@deepearth/core/stage';

export const stages: StageList = {
  'windower/sliding': async () => (await import('./sliding.ts')).sliding,
  'windower/uniform': async () => (await import('./uniform.ts')).uniform,
  'windower/still': async () => (await import('./still.ts')).still,
};
