// Stages
export { mean } from './mean.ts';
export { max } from './max.ts';
export { firstToken } from './first-token.ts';
export { spatialMean } from './spatial-mean.ts';
export { temporalMean } from './temporal-mean.ts';
export { quadrants } from './quadrants.ts';
export { hierarchical, hierarchicalOptions } from './hierarchical.ts';
export { none } from './none.ts';
export { stages } from './stages.ts';
// Parts
export { pool, type Regions } from './pooling.ts';
export type { Pooling } from '@deepearth/core/pooling';
