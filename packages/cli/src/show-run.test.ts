import type { RunEvent } from '@deepearth/core/events';
import fc from 'fast-check';
import { from, lastValueFrom, toArray } from 'rxjs';
import { expect, test } from 'vitest';
import { pacedProgress } from './show-run.ts';

const stages = ['a', 'b'];
const progress = fc.record({
  type: fc.constant('progress' as const),
  stage: fc.constantFrom(...stages),
  step: fc.constantFrom('encode', 'fit'),
  total: fc.option(fc.constant(7)),
  gap: fc.integer({ min: 0, max: 300 }),
});

test('the last progress of each step is let through before its stage closes, however soon it came', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(progress, { maxLength: 30 }), fc.boolean(), async (reports, closes) => {
      let now = 0;
      const given = reports.map(({ gap: _, ...event }, i) => ({ ...event, done: i }) as RunEvent);
      const closed = stages.map((stage) => ({ type: 'stage-closed', stage }) as RunEvent);
      const gaps = reports.map(({ gap }) => gap);
      const all = [...given, ...(closes ? closed : [])];
      const seen = await lastValueFrom(
        from(all).pipe(
          pacedProgress(() => (now += gaps.shift()!)),
          toArray(),
        ),
      );

      const steps = new Map(given.map((event) => [`${(event as { stage: string; step: string }).stage}`, event]));
      for (const [stage, last] of steps) {
        expect(seen).toContain(last);
        if (closes) expect(seen.indexOf(last)).toBeLessThan(seen.findIndex((e) => e === closed[stages.indexOf(stage)]));
      }
      // Nothing is made up, said twice, or said out of its order.
      for (const stage of stages)
        for (const step of ['encode', 'fit']) {
          const of = (events: readonly RunEvent[]): RunEvent[] =>
            events.filter((e) => e.type === 'progress' && e.stage === stage && e.step === step);
          const places = of(seen).map((event) => of(given).indexOf(event));
          expect(places).toEqual([...new Set(places)].sort((x, y) => x - y));
          expect(places).not.toContain(-1);
          expect(of(seen).at(-1)).toBe(of(given).at(-1));
        }
    }),
  );
});

test('lines of one step come at most five times a second until it ends', async () => {
  let now = 0;
  const given = Array.from(
    { length: 100 },
    (_, done) => ({ type: 'progress', stage: 'a', step: 'encode', done, total: null }) as RunEvent,
  );
  const seen = await lastValueFrom(
    from(given).pipe(
      pacedProgress(() => (now += 10)),
      toArray(),
    ),
  );
  expect(seen).toEqual([0, 20, 40, 60, 80, 99].map((i) => given[i]));
});
