import fc from 'fast-check';
import { expect, test } from 'vitest';
import { pairFrames } from './frame-pairs.ts';
import { rankCorrelation } from './rank-correlation.ts';
import { cellAtShare, shareOfCell } from './same-place.ts';

const numbers = fc.array(
  fc.integer({ min: -50, max: 50 }).map((value) => value / 16),
  { minLength: 2, maxLength: 30 },
);

test('a rank correlation is 1 with any rising function, -1 with any falling one, and the same both ways', () => {
  fc.assert(
    fc.property(numbers, numbers, (one, other) => {
      const distinct = [...new Set(one.map((value) => value + 0))];
      if (distinct.length > 1) {
        expect(
          rankCorrelation(
            distinct,
            distinct.map((value) => Math.atan(value * 3)),
          ),
        ).toBeCloseTo(1, 9);
        expect(
          rankCorrelation(
            distinct,
            distinct.map((value) => -value),
          ),
        ).toBeCloseTo(-1, 9);
      }
      const length = Math.min(one.length, other.length);
      const [a, b] = [one.slice(0, length), other.slice(0, length)];
      expect(rankCorrelation(a, b)).toEqual(rankCorrelation(b, a));
    }),
  );
  // Pearson's of the ranks 1, 2.5, 2.5, 4, 5 and 1, 2, 3.5, 5, 3.5 (scipy.stats.spearmanr says the same).
  expect(rankCorrelation([1, 2, 2, 4, 5], [5, 6, 7, 8, 7])).toBeCloseTo(7.25 / 9.5, 9);
  expect(rankCorrelation([1, 1], [1, 2])).toBeNaN();
  expect(rankCorrelation([], [])).toBeNaN();
});

test('frames are paired by instant, else by number; back and forth is where one was', () => {
  const sequence = (name: string, from: number, count: number, dated: boolean) => ({
    name,
    frame: { width: 1, height: 1 },
    picture: { width: 1, height: 1 },
    numbers: Array.from({ length: count }, (_, i) => from + i),
    ...(dated && { at: Array.from({ length: count }, (_, i) => `2024-01-01T00:00:${10 + i}Z`) }),
  });
  const a = { sequences: [sequence('x', 0, 8, true), sequence('y', 0, 4, false)] };
  const b = { sequences: [sequence('y', 2, 4, true), sequence('x', 100, 4, true)] };
  const pairs = pairFrames(a, b);
  expect([pairs.frames, pairs.shared]).toEqual([12, 6]);
  expect(pairs.there({ sequence: 0, frame: 3 })).toEqual({ sequence: 1, frame: 3 });
  expect(pairs.there({ sequence: 0, frame: 4 })).toBeUndefined();
  expect(pairs.there({ sequence: 1, frame: 2 })).toEqual({ sequence: 0, frame: 0 });
  for (let frame = 0; frame < 8; frame++) {
    const there = pairs.there({ sequence: 0, frame });
    if (there) expect(pairs.here(there)).toEqual({ sequence: 0, frame });
  }
  // Alone in their runs, the names do not matter.
  expect(pairFrames({ sequences: [a.sequences[0]!] }, { sequences: [sequence('z', 4, 9, false)] }).shared).toBe(4);
});

test('the middle of a cell is in that cell, and in no cell outside of the grid', () => {
  fc.assert(
    fc.property(
      fc.record({
        rows: fc.integer({ min: 1, max: 30 }),
        columns: fc.integer({ min: 1, max: 30 }),
        x: fc.integer({ min: -50, max: 50 }),
        width: fc.integer({ min: 10, max: 300 }),
      }),
      ({ rows, columns, x, width }) => {
        const geometry = { frameWidth: 200, frameHeight: 100, x, y: -x, width, height: width };
        const clip = { sequence: 0, frames: [0], grid: [1, rows, columns] as const, geometry };
        for (const [row, column] of [
          [0, 0],
          [rows - 1, columns - 1],
        ] as const)
          expect(cellAtShare(clip, ...shareOfCell(clip, row, column))).toEqual({ row, column });
        expect(cellAtShare(clip, (x - 1) / 200, 0)).toBeUndefined();
      },
    ),
  );
});
