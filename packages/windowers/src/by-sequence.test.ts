import type { StageDefinition } from '@deepearth/core/stage';
import { runStage } from '@deepearth/core/run-stage';
import type { Clip, Frame } from '@deepearth/core/items';
import { given, makeFrames } from '@deepearth/testing';
import { describe, expect, test } from 'vitest';
import { sliding } from './sliding.ts';
import { still } from './still.ts';
import { uniform } from './uniform.ts';

const a = makeFrames(4, { sequence: 'a' });
const b = makeFrames(4, { sequence: 'b' });
const clips = async (windower: StageDefinition, frames: readonly Frame[]): Promise<Clip[]> => {
  const found: Clip[] = [];
  const inputs = [given(frames)];
  for await (const clip of runStage(windower, { options: { size: 2 }, inputs, severalSequences: true }))
    found.push(clip as Clip);
  return found;
};

describe.each([
  ['sliding', sliding],
  ['still', still],
  ['uniform', uniform],
] as [string, StageDefinition][])('windower/%s', (_, windower) => {
  test('joins no two sequences, and gives every clip an id of its own', async () => {
    const found = await clips(windower, [...a, ...b]);
    for (const clip of found)
      expect(clip.frames.map(({ sequence }) => sequence)).toEqual([clip.sequence, clip.sequence]);
    expect(new Set(found.map(({ id }) => id)).size).toBe(found.length);
    expect(new Set(found.map(({ sequence }) => sequence))).toEqual(new Set(['a', 'b']));
  });

  test('refuses a sequence that comes again after another', async () => {
    await expect(clips(windower, [...a.slice(0, 2), ...b, ...a.slice(2)])).rejects.toThrow(
      /the sequence "a" comes again after another/,
    );
  });
});
