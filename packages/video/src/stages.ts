// The stages of this package, loaded when they are named.

import type { StageList } from '@deepearth/core/stage';

/** The stages of this package by type, loaded when they are named. */
export const stages: StageList = {
  'source/video': async () => (await import('./video.ts')).video,
  'sink/mp4': async () => (await import('./mp4.ts')).mp4,
  'sink/webm': async () => (await import('./webm.ts')).webm,
};
