import { describeStage, given, makeTokens } from '@deepearth/testing';
import { expect } from 'vitest';
import { umapStage } from './umap-stage.ts';

// Threads that are still starting are let finish, and on a busy machine each takes its time.
const abortMilliseconds = 4000;
const inputs = () => [given(makeTokens({ count: 5 }))];

describeStage(umapStage, {
  inputs,
  abortMilliseconds,
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
  abortMilliseconds,
  options: { epochs: 20, maxFitTokens: 60, sampleTokens: 40 },
  ahead: Infinity,
});

describeStage(umapStage, {
  title: 'with umap-js',
  inputs,
  abortMilliseconds,
  options: { engine: 'umap-js', epochs: 20, maxFitTokens: 60, sampleTokens: 40 },
  ahead: Infinity,
});
