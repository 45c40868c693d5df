import { describeStage, given, makeTokens } from '@deepearth/testing';
import { expect } from 'vitest';
import { pcaStage } from './pca-stage.ts';

describeStage(pcaStage, {
  inputs: () => [given(makeTokens({ count: 5 }))],
  otherOptions: { components: 2 },
  ahead: Infinity,
  output: (projections) => {
    expect(projections).toHaveLength(5);
    expect(projections[0]!.values.shape).toEqual([2, 3, 4, 3]);
    expect(projections[0]!.limits).toEqual(projections[4]!.limits);
  },
});
