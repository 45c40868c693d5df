// The stages of this package, loaded when they are named.

import type { StageList } from '@deepearth/core/stage';

/** The stages of this package: `encoder/vjepa2` and `aggregator/probe`. */
export const stages: StageList = {
  'encoder/vjepa2': async () => (await import('./vjepa2.ts')).vjepa2,
  'aggregator/probe': async () => (await import('./probe.ts')).probe,
};
