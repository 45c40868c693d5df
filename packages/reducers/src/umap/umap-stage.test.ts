import { describeStage, given, makeTokens } from '@deepearth/testing';
import { expect } from 'vitest';
import { umapStage } from './umap-stage.ts';

const inputs = () => [given(makeTokens({ count: 5 }))];

describeStage(umapStage, {
  inputs,
  options: { epochs: 20 },
  otherOptions: { components: 2 },
  ahead: Infinity,
  output: (projections) => {
    expect(projections).toHaveLength(5);
    expect(projections[0]!.values.shape).toEqual([2, 3, 4, 3]);
  },
});

describeStage(umapStage, {
  title: 'when it fits a sample',
  inputs,
  options: { epochs: 20, maxFitTokens: 60, sampleTokens: 40 },
  ahead: Infinity,
});

describeStage(umapStage, {
  title: 'with umap-js',
  inputs,
  options: { engine: 'umap-js', epochs: 20, maxFitTokens: 60, sampleTokens: 40 },
  ahead: Infinity,
});
