import { describeStage, given, makeTokens } from '@deepearth/testing';
import { kmeansStage } from './kmeans-stage.ts';

describeStage(kmeansStage, {
  inputs: () => [given(makeTokens({ count: 5 }))],
  otherOptions: { clusters: 3 },
  ahead: Infinity,
});
