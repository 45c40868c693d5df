import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chooseFrames, firstAtLeast } from './choose-frames.ts';

/** Times of frames at an uneven pace, in whole milliseconds as Matroska has them. */
const uneven = fc
  .array(fc.integer({ min: 1, max: 900 }), { minLength: 1, maxLength: 60 })
  .map((gaps) => gaps.reduce<number[]>((times, gap) => [...times, times.at(-1)! + gap], [200]))
  .map((milliseconds) => Float64Array.from(milliseconds, (time) => time / 1000));
const even = (count: number, rate: number): Float64Array => Float64Array.from({ length: count }, (_, i) => i / rate);
const flat = (parts: readonly Uint32Array[]): number[] => parts.flatMap((part) => [...part]);

describe('without options', () => {
  test('every frame is chosen, in one part', () => {
    fc.assert(
      fc.property(uneven, (seconds) => {
        expect(chooseFrames(seconds, {})).toEqual([Uint32Array.from(seconds.keys())]);
      }),
    );
  });

  test('of no frames there is no part', () => expect(chooseFrames(new Float64Array(0), {})).toEqual([]));
});

test('a range of time has the frames from its start up to, not at, its end', () => {
  const seconds = even(10, 10);
  expect(flat(chooseFrames(seconds, { from: 0.3, to: 0.7 }))).toEqual([3, 4, 5, 6]);
  expect(flat(chooseFrames(seconds, { from: 0.31, to: 0.71 }))).toEqual([4, 5, 6, 7]);
  expect(chooseFrames(seconds, { from: 1 })).toEqual([]);
  expect(flat(chooseFrames(seconds, { to: 0.1, every: 3 }))).toEqual([0]);
});

test('every n-th frame is counted from the first of the range', () => {
  expect(flat(chooseFrames(even(10, 10), { from: 0.2, every: 3 }))).toEqual([2, 5, 8]);
});

describe('a rate', () => {
  test('takes one frame in n of a steady video, the one that is on the screen', () => {
    expect(flat(chooseFrames(even(50, 25), { framesPerSecond: 5 }))).toEqual([0, 5, 10, 15, 20, 25, 30, 35, 40, 45]);
    expect(flat(chooseFrames(even(31, 30), { framesPerSecond: 4 }))).toEqual([0, 7, 15, 22, 30]);
    // 29.97 in milliseconds is not steady any more.
    const rounded = Float64Array.from({ length: 300 }, (_, i) => Math.round((i * 1001) / 30) / 1000);
    expect(flat(chooseFrames(rounded, { framesPerSecond: 1 }))).toHaveLength(11);
  });

  test('takes for each moment the last frame that has come by then, and none twice', () => {
    fc.assert(
      fc.property(uneven, fc.constantFrom(0.5, 1, 3, 7, 24, 2000), (seconds, framesPerSecond) => {
        const start = seconds[0]!;
        const end = seconds.at(-1)! + 0.3;
        const chosen = flat(chooseFrames(seconds, { framesPerSecond, endSeconds: end }));
        const expected = new Set<number>();
        for (let i = 0; start + i / framesPerSecond < end - 1e-6; i++)
          expected.add(firstAtLeast(seconds, start + i / framesPerSecond + 1e-7) - 1);
        expect(chosen).toEqual([...expected]);
      }),
    );
  });

  test('that is higher than the video has takes each frame once', () => {
    expect(flat(chooseFrames(even(7, 10), { framesPerSecond: 60 }))).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });
});

test('a pause that is too long begins a new part, and no frame is lost by it', () => {
  fc.assert(
    fc.property(uneven, fc.double({ min: 0.05, max: 1, noNaN: true }), (seconds, maxGapSeconds) => {
      const parts = chooseFrames(seconds, { maxGapSeconds });
      expect(flat(parts)).toEqual([...seconds.keys()]);
      for (const [i, part] of parts.entries()) {
        for (let at = 1; at < part.length; at++)
          expect(seconds[part[at]!]! - seconds[part[at - 1]!]!).toBeLessThanOrEqual(maxGapSeconds);
        if (i > 0) expect(seconds[part[0]!]! - seconds[parts[i - 1]!.at(-1)!]!).toBeGreaterThan(maxGapSeconds);
      }
    }),
  );
  // Each part counts its moments from its own first frame.
  const seconds = Float64Array.of(0, 0.1, 0.2, 5.05, 5.15, 5.25);
  const parts = chooseFrames(seconds, { maxGapSeconds: 1, framesPerSecond: 5 });
  expect(parts.map((part) => [...part])).toEqual([
    [0, 2],
    [3, 5],
  ]);
});
