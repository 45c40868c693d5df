import { definePipeline, use, type StageUse } from '@deepearth/core';
import { vjepa2 } from '@deepearth/model-vjepa2/vjepa2';
import { pcaStage } from '@deepearth/reducers/stages/pca';
import { features } from '@deepearth/sinks/features';
import { synthetic } from '@deepearth/sources/synthetic';
import { sliding } from '@deepearth/windowers/sliding';
import { expect, test } from 'vitest';
import { keepsTokens } from './keeps-tokens.ts';

const one: StageUse[] = [use(synthetic), use(sliding, {}, { id: 'clips' }), use(vjepa2, {}, { id: 'one' })];
const two: StageUse[] = [...one, use(vjepa2, { fit: 'resize' }, { id: 'two', from: 'clips' })];

test.each([
  ['tokens in files', true, [...one, use(features)]],
  ['what a reducer made of them in files', false, [...one, use(pcaStage), use(features)]],
  ['the tokens of one of two encoders in files', false, [...two, use(features, {}, { from: 'one' })]],
  ['those of both', true, [...two, use(features, {}, { from: ['one', 'two'] })]],
  ['no encoder', true, [use(synthetic)]],
])('%s: %s', (_, expected, stages) => expect(keepsTokens(definePipeline(stages))).toBe(expected));
