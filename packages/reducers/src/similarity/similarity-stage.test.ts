import { describeStage, given, makeTokens } from '@deepearth/testing';
import { similarityStage } from './similarity-stage.ts';

describeStage(similarityStage, {
  inputs: () => [given(makeTokens({ count: 5 }))],
  otherOptions: { to: 'time' },
  ahead: Infinity,
});
