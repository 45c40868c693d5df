import type { BundleClip } from '@deepearth/sinks/explorer/bundle-index';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bestMatches } from './matches.ts';

/** Clips of so many steps of 2 x 3 tokens, and what was found in them. */
const searched = (times: readonly number[], scores: readonly number[]) => {
  const clips = times.map((time): BundleClip => ({ grid: [time, 2, 3] }) as unknown as BundleClip);
  const stepsBefore = Uint32Array.from(times, (_, clip) => times.slice(0, clip).reduce((sum, time) => sum + time, 0));
  const found = {
    best: Float32Array.from(scores),
    token: Uint32Array.from(scores, (_, step) => step % 6),
    count: Uint32Array.from(scores, () => 6),
  };
  return [{ clips, stepsBefore }, found] as const;
};

test('the best steps come first, none beside a better one of its clip, and none beside a pick', () => {
  const [bundle, found] = searched([4, 3], [0.9, 0.8, 0.7, 0.6, 0.95, 0.1, 0.2]);
  const matches = bestMatches(bundle, found, [], { count: 10, perClip: 2 });
  expect(matches.map(({ clip, step }) => [clip, step])).toEqual([
    [1, 0],
    [0, 0],
    [0, 2],
    [1, 2],
  ]);
  expect(matches[2]).toMatchObject({ row: 0, column: 2 });
  const pick = { sign: 1 as const, clip: 0, step: 1, top: 0, left: 0, bottom: 0, right: 0 };
  expect(bestMatches(bundle, found, [pick], { count: 3, perClip: 2 }).map(({ clip, step }) => [clip, step])).toEqual([
    [1, 0],
    [0, 3],
    [1, 2],
  ]);
});

test('steps that saw no data, or are not there yet, are no matches', () => {
  const [bundle, found] = searched([3], [-2, 0.5, -2]);
  found.count[0] = found.count[2] = 0;
  expect(bestMatches(bundle, found, [], { count: 9, perClip: 9 })).toHaveLength(1);
});

test('every match is a step of its clip, once, in descending order, and no clip has too many', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 8 }),
      fc.integer({ min: 1, max: 3 }),
      fc.integer(),
      (times, perClip, seed) => {
        const steps = times.reduce((sum, time) => sum + time, 0);
        const [bundle, found] = searched(
          times,
          Array.from({ length: steps }, (_, i) => Math.sin(seed * 0.37 + i * 7)),
        );
        const matches = bestMatches(bundle, found, [], { count: 12, perClip });
        const names = matches.map(({ clip, step }) => `${clip}.${step}`);
        expect(new Set(names).size).toBe(names.length);
        matches.forEach(({ clip, step, score }, i) => {
          expect(step).toBeLessThan(times[clip]!);
          expect(score).toBe(found.best[bundle.stepsBefore[clip]! + step]);
          if (i > 0) expect(score).toBeLessThanOrEqual(matches[i - 1]!.score);
          expect(matches.filter((other) => other.clip === clip).length).toBeLessThanOrEqual(perClip);
        });
      },
    ),
  );
});
