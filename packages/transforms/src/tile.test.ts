import { isRefusal, spec, type Frame, type Refusal } from '@deepearth/core';
import { describeAlone } from '@deepearth/core/run-stage';
import { describeStage, given, makeFrames } from '@deepearth/testing';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { tile, tilesOf, tileStarts } from './tile.ts';

describeStage(tile, {
  options: { size: 16 },
  otherOptions: { size: 20 },
  inputs: () => [given(makeFrames(4))],
  output: (frames: readonly Frame[]) => {
    expect(
      frames.slice(0, 5).map(({ sequence, number, footprint }) => [sequence, number, footprint!.x, footprint!.y]),
    ).toEqual([
      ['made/r00c00', 0, 0, 0],
      ['made/r00c01', 0, 16, 0],
      ['made/r01c00', 0, 0, 8],
      ['made/r01c01', 0, 16, 8],
      ['made/r00c00', 1, 0, 0],
    ]);
  },
});

const described = (options: object, input = spec('frame', { height: 24, width: 32, channels: 3 }, 'uint8', 2)) =>
  describeAlone(tile, { options, inputs: [{ ...input, sequences: ['a'] }] });

describe('the tiles of a frame', () => {
  test('cover it, have one size, and share what they are told to', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 400 }),
        fc.integer({ min: 1, max: 90 }),
        fc.integer({ min: 0, max: 89 }),
        (length, size, share) => {
          const overlap = share % size;
          const starts = tileStarts(length, size, overlap);
          const edge = Math.min(size, length);
          expect(starts[0]).toBe(0);
          expect(starts.at(-1)! + edge).toBe(length);
          for (const [i, start] of starts.entries())
            if (i > 0) {
              expect(start).toBeGreaterThan(starts[i - 1]!);
              expect(starts[i - 1]! + edge - start).toBeGreaterThanOrEqual(overlap);
            }
          // No tile could be left out.
          expect((starts.length - 1) * (size - overlap) + overlap).toBeLessThan(Math.max(length, overlap + 1));
        },
      ),
    );
  });

  test('have names in the order of rows and columns, however many there are', () => {
    const names = tilesOf(1100, 30, 10, 0).map(({ name }) => name);
    expect(names).toHaveLength(330);
    expect([...names].sort()).toEqual(names);
    expect([names[0], names.at(-1)]).toEqual(['r000c000', 'r002c109']);
  });

  test('are counted before anything runs', async () => {
    const description = await described({ size: 16 });
    expect(description).toMatchObject({
      output: {
        count: 8,
        counts: [2, 2, 2, 2],
        interleaved: true,
        sequences: ['a/r00c00', 'a/r00c01', 'a/r01c00', 'a/r01c01'],
      },
      notes: ['4 tiles of each frame'],
    });
    const open = await described({ size: 16 }, spec('frame', { height: null, width: 32, channels: 3 }, 'uint8', 2));
    expect(open).toMatchObject({ output: { count: null, sequences: null, interleaved: true } });
  });

  test('are refused where they would share all of themselves', async () => {
    const refusal = await described({ size: 16, overlap: 16 });
    expect(isRefusal(refusal)).toBe(true);
    expect(refusal as Refusal).toMatchObject({ option: 'overlap', refused: 'tiles of 16 pixels cannot share 16.' });
  });
});
