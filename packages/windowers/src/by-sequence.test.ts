import { isRefusal, type StageDefinition } from '@deepearth/core/stage';
import { describeAlone, runStage } from '@deepearth/core/run-stage';
import type { Clip, Frame } from '@deepearth/core/items';
import { spec, type StreamSpec } from '@deepearth/core/specs';
import { given, makeFrames } from '@deepearth/testing';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { scene } from './scene.ts';
import { sliding } from './sliding.ts';
import { still } from './still.ts';
import { uniform } from './uniform.ts';

const a = makeFrames(4, { sequence: 'a' });
const b = makeFrames(4, { sequence: 'b' });
const clips = async (
  windower: StageDefinition,
  frames: readonly Frame[],
  { interleaved = false, options = {} }: { interleaved?: boolean; options?: object } = {},
): Promise<Clip[]> => {
  const found: Clip[] = [];
  const { items, spec } = given(frames);
  const inputs = [{ items, spec: { ...spec, interleaved } }];
  for await (const clip of runStage(windower, { options: { size: 2, ...options }, inputs, severalSequences: true }))
    found.push(clip as Clip);
  return found;
};

describe.each([
  ['scene', scene],
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

  test('makes the same clips of sequences that come in turns, where the input says so', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 1, maxLength: 24 }),
        fc.integer({ min: 1, max: 4 }),
        async (turns, size) => {
          const sequences = ['a', 'b', 'c'].map((sequence) => makeFrames(24, { sequence }));
          const next = [0, 0, 0];
          const mixed = turns.map((turn) => sequences[turn]![next[turn]!++]!);
          const first = [...new Set(turns)].map((turn) => sequences[turn]!.slice(0, next[turn]));
          const apart = await clips(windower, first.flat(), { options: { size } });
          const found = await clips(windower, mixed, { options: { size }, interleaved: true });
          const byId = (all: readonly Clip[]) => [...all].sort((one, other) => (one.id < other.id ? -1 : 1));
          expect(byId(found)).toEqual(byId(apart));
        },
      ),
      { numRuns: 40 },
    );
  });
});

test('counts the clips of each sequence where the frames of each are known', async () => {
  const stream = { ...spec('frame', { height: 8, width: 8, channels: 3 }, 'uint8', 70), sequences: ['a', 'b'] };
  const count = async (input: StreamSpec): Promise<number | null> => {
    const description = await describeAlone(sliding, { options: { size: 16 }, inputs: [input] });
    return isRefusal(description) ? -1 : description.output.count;
  };
  expect(await count({ ...stream, counts: [35, 35] })).toBe(6);
  expect(await count({ ...stream, counts: [69, 1] })).toBe(6);
  expect(await count({ ...stream, counts: [64, 6] })).toBe(5);
  expect(await count(stream)).toBeNull();
});
