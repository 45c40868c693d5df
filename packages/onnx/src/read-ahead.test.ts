import { setTimeout as pause } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readAhead, readsAtOnce } from './read-ahead.ts';

test('pictures come in order, whichever is read first, and never more are under way than allowed', () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat({ max: 3 }), { maxLength: 8 }),
      fc.integer({ min: 1, max: 4 }),
      async (delays, atOnce) => {
        let [underWay, most] = [0, 0];
        const reads = delays.map((delay, i) => async () => {
          most = Math.max(most, ++underWay);
          await pause(delay);
          underWay--;
          return i;
        });
        const sent: number[] = [];
        for await (const each of readAhead(reads, atOnce)) sent.push(each);
        expect(sent).toEqual(delays.map((_, i) => i));
        expect(most).toBeLessThanOrEqual(atOnce);
      },
    ),
    { numRuns: 25 },
  ));

test('an error comes in its turn, and what was begun after it is no error of its own', async () => {
  const reads = [
    () => Promise.resolve(0),
    () => pause(5).then(() => Promise.reject(new Error('second'))),
    () => Promise.reject(new Error('third')),
  ];
  const sent: number[] = [];
  await expect(
    (async () => {
      for await (const each of readAhead<number>(reads, 3)) sent.push(each);
    })(),
  ).rejects.toThrow('second');
  expect(sent).toEqual([0]);
});

test('large pictures are read one by one', () => {
  expect(readsAtOnce(3 * 16_384 ** 2)).toBe(1);
  expect(readsAtOnce(0)).toBeGreaterThanOrEqual(1);
});
