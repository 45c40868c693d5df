import type { Projection } from '@deepearth/core';
import { describeStage, given, makeClips, makeTokens } from '@deepearth/testing';
import { expect } from 'vitest';
// @ts-expect-error A plugin is plain JavaScript.
import { novelty } from './my-reducer.mjs';

describeStage(novelty, {
  inputs: () => [given(makeTokens({ count: 5 }))],
  otherOptions: { power: 3 },
  foreign: given(makeClips(1)).spec,
  output: (items: readonly Projection[]) => {
    expect(items).toHaveLength(5);
    for (const { values } of items) for (const value of values.data) expect(value).toBeGreaterThanOrEqual(0);
  },
});
