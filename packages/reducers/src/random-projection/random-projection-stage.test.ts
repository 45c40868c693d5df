import { describeStage, given, makeTokens } from '@deepearth/testing';
import { randomProjectionStage } from './random-projection-stage.ts';

describeStage(randomProjectionStage, {
  inputs: () => [given(makeTokens({ count: 5 }))],
  otherOptions: { seed: 1 },
  ahead: Infinity,
});
