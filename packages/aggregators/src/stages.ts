// The stages of this package, loaded when they are named.

import type { StageList } from '@deepearth/core/stage';

/** The stages of this package by type, loaded when they are named. */
export const stages: StageList = {
  'aggregator/mean': async () => (await import('./mean.ts')).mean,
  'aggregator/max': async () => (await import('./max.ts')).max,
  'aggregator/first-token': async () => (await import('./first-token.ts')).firstToken,
  'aggregator/class-token': async () => (await import('./class-token.ts')).classToken,
  'aggregator/spatial-mean': async () => (await import('./spatial-mean.ts')).spatialMean,
  'aggregator/temporal-mean': async () => (await import('./temporal-mean.ts')).temporalMean,
  'aggregator/quadrants': async () => (await import('./quadrants.ts')).quadrants,
  'aggregator/hierarchical': async () => (await import('./hierarchical.ts')).hierarchical,
  'aggregator/old-hierarchical': async () => (await import('./old-hierarchical.ts')).oldHierarchical,
  'aggregator/none': async () => (await import('./none.ts')).none,
};
