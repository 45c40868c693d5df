// The stages of this package, loaded when they are named.

import type { StageList } from '@deepearth/core/stage';

/** The stages of this package: `encoder/dinov3`. */
export const stages: StageList = {
  'encoder/dinov3': async () => (await import('./dinov3.ts')).dinov3,
};
