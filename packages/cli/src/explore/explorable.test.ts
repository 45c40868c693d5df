import { definePipeline, use, type StageUse } from '@deepearth/core';
import { vjepa2 } from '@deepearth/model-vjepa2/vjepa2';
import { pcaStage } from '@deepearth/reducers/stages/pca';
import { explorer } from '@deepearth/sinks/explorer';
import { features } from '@deepearth/sinks/features';
import { synthetic } from '@deepearth/sources/synthetic';
import { sliding } from '@deepearth/windowers/sliding';
import { expect, test } from 'vitest';
import { explorable } from './explorable.ts';

const tokens: StageUse[] = [use(synthetic), use(sliding), use(vjepa2, {}, { id: 'tokens' })];

test.each([
  ['files of tokens', true, [use(features)]],
  ['a bundle', true, [use(explorer)]],
  ['arrays that say nothing of their frames', false, [use(features, { format: 'npy' })]],
  ['projections alone', false, [use(pcaStage), use(features)]],
  ['nothing', false, []],
])('%s: %s', (_, expected, more) => expect(explorable(definePipeline([...tokens, ...more]))).toBe(expected));
