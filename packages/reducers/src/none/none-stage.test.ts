import { describeStage, given, makeTokens } from '@deepearth/testing';
import { noneStage } from './none-stage.ts';

describeStage(noneStage, {
  inputs: () => [given(makeTokens({ count: 5 }))],
  otherOptions: { components: 'all' },
  ahead: Infinity,
});
