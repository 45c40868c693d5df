// Stages
export { mean } from './mean.ts';
export { max } from './max.ts';
export { firstToken } from './first-token.ts';
export { classToken, classTokenOptions } from './class-token.ts';
export { spatialMean } from './spatial-mean.ts';
export { temporalMean } from './temporal-mean.ts';
export { quadrants } from './quadrants.ts';
export { hierarchical, hierarchicalOptions } from './hierarchical.ts';
export { oldHierarchical, oldHierarchicalOptions } from './old-hierarchical.ts';
export { none } from './none.ts';
export { stages } from './stages.ts';
// Functions
export { aggregate, aggregations, type Aggregation, type OldAggregation } from './aggregate.ts';
export { hierarchicalPool, type HierarchicalPool } from './hierarchical-pool.ts';
// Parts
export { pool, type Regions, type TokenValues } from './pooling.ts';
export type { Pooling } from '@deepearth/core/pooling';
