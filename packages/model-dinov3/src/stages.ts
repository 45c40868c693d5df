// The stages of this package, loaded when they are named.

import type { StageList } from '@deepearth/core/stage';

export const stages: StageList = {
  'encoder/dinov3': async () => (await import('./dinov3.ts')).dinov3,
};
