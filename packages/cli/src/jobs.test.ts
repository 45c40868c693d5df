import { defineEncoder, definePipeline, defineSource, plan, spec, use, type Plan } from '@deepearth/core';
import { sliding } from '@deepearth/windowers/sliding';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { jobsJson, jobsOfFlags } from './jobs.ts';

const lengths = defineSource({
  type: 'lengths',
  summary: 'Sequences of so many frames.',
  options: z.strictObject({ lengths: z.array(z.int()) }),
  examples: [],
  describe: (_, { options: { lengths: counts } }) => ({
    output: {
      ...spec(
        'frame',
        { height: 1, width: 1, channels: 3 },
        'uint8',
        counts.reduce((a, b) => a + b, 0),
      ),
      sequences: counts.map((_count, index) => `s${index}`),
      counts,
    },
  }),
  async *process() {
    // It is planned only.
  },
});
const look = defineEncoder({
  type: 'look',
  summary: 'Looks.',
  options: z.strictObject({}),
  examples: [],
  describe: (input) => ({ output: spec('tokens', {}, null, input?.count ?? null) }),
  each: () => {
    throw new Error('It is planned only.');
  },
});

/** The plan of sequences of so many clips. */
const planOf = (clips: readonly number[]): Promise<Plan> =>
  plan(
    definePipeline([
      use(lengths, { lengths: [...clips] }, { id: 'frames' }),
      use(sliding, { size: 1, stride: 1 }, { id: 'clips', from: 'frames' }),
      use(look, {}, { id: 'tokens', from: 'clips' }),
    ]),
  );
const secondsOf = (planned: Plan, jobSeconds: number, clipSeconds: number): number[] => {
  const timed = jobsOfFlags(planned, { jobSeconds: String(jobSeconds), clipSeconds: String(clipSeconds) })!;
  return (jobsJson(timed) as { jobs: { seconds: number }[] }).jobs.map(({ seconds }) => seconds);
};

/** Of a clip and of a job, which takes at least a clip. */
const times = fc
  .tuple(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 0, max: 3000 }))
  .map(([clip, more]) => ({ clipSeconds: clip / 100, jobSeconds: (clip + more) / 100 }));
const rounding = 1 + 1e-9;

describe('jobs of so many seconds', () => {
  test('of one sequence take no longer than that, and are no more than they have to be', () =>
    fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 400 }), times, async (clips, { clipSeconds, jobSeconds }) => {
        const seconds = secondsOf(await planOf([clips]), jobSeconds, clipSeconds);
        expect(Math.max(...seconds)).toBeLessThanOrEqual(jobSeconds * rounding);
        // One job less would have to take longer.
        const most = Math.floor((jobSeconds / clipSeconds) * rounding);
        expect(most * (seconds.length - 1)).toBeLessThan(clips);
      }),
      { numRuns: 60 },
    ));

  test('of many sequences take at most twice as long, none has nothing to do, and together they take what all takes', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 12 }),
        times,
        async (clips, { clipSeconds, jobSeconds }) => {
          const seconds = secondsOf(await planOf(clips), jobSeconds, clipSeconds);
          expect(Math.max(...seconds)).toBeLessThanOrEqual(2 * jobSeconds * rounding);
          expect(Math.min(...seconds)).toBeGreaterThan(0);
          const all = clips.reduce((a, b) => a + b, 0) * clipSeconds;
          expect(seconds.reduce((a, b) => a + b, 0)).toBeCloseTo(all, 6);
        },
      ),
      { numRuns: 100 },
    ));

  test('of clips that take longer are a clip each', async () => {
    expect(secondsOf(await planOf([3, 2]), 60, 90)).toEqual([90, 90, 90, 90, 90]);
  });

  test('are whole clips where a quotient is rounded down: three of 0.1 s in 0.3 s', async () => {
    expect(secondsOf(await planOf([6]), 0.3, 0.1)).toHaveLength(2);
  });
});
