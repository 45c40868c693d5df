import { setTimeout as pause } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { workAhead } from './work-ahead.ts';

test('sends what comes of all items, in order, and works on no more than it may', () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ value: fc.double(), wait: fc.nat(2) }), { maxLength: 8 }),
      fc.integer({ min: 1, max: 4 }),
      async (items, most) => {
        let asking = 0;
        let working = 0;
        let ended = 0;
        const source = {
          async *[Symbol.asyncIterator]() {
            try {
              for (const item of items) {
                expect(asking++).toBe(0);
                await pause(0);
                asking--;
                yield item;
              }
            } finally {
              ended++;
            }
          },
        };
        const sent: number[] = [];
        for await (const value of workAhead(source, most, async ({ value, wait }) => {
          expect(++working).toBeLessThanOrEqual(most);
          await pause(wait);
          working--;
          return value;
        }))
          sent.push(value);
        expect(sent).toEqual(items.map(({ value }) => value));
        expect(ended).toBe(1);
      },
    ),
    { numRuns: 40 },
  ));

test.each([1, 3])(
  'throws what the work or the items throw in its turn, %i at a time, and ends the items',
  async (most) => {
    for (const where of ['items', 'work']) {
      let ended = 0;
      const items = (async function* () {
        try {
          for (let i = 0; i < 5; i++) {
            if (where === 'items' && i === 2) throw new Error('no 2');
            yield i;
          }
        } finally {
          ended++;
        }
      })();
      const sent: number[] = [];
      const all = (async () => {
        for await (const each of workAhead(items, most, async (i) => {
          await pause(4 - i);
          if (where === 'work' && i === 2) throw new Error('no 2');
          return i;
        }))
          sent.push(each);
      })();
      await expect(all).rejects.toThrow('no 2');
      expect(sent).toEqual([0, 1]);
      expect(ended).toBe(1);
    }
  },
);

test('ends the items when the consumer leaves', async () => {
  let ended = 0;
  const items = (async function* () {
    try {
      for (;;) yield 1;
    } finally {
      ended++;
    }
  })();
  for await (const _ of workAhead(items, 3, async (i) => i)) break;
  expect(ended).toBe(1);
});
