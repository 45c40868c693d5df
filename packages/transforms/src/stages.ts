// The stages of this package, loaded when they are named.

import type { StageList } from '@deepearth/core';

/** The stages of this package by type, loaded when they are named. */
export const stages: StageList = {
  'transform/crop': async () => (await import('./crop.ts')).crop,
  'transform/mask': async () => (await import('./mask.ts')).mask,
  'transform/stretch': async () => (await import('./stretch.ts')).stretch,
  'transform/tile': async () => (await import('./tile.ts')).tile,
};
