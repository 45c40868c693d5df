import { setTimeout as pause } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { inOrder } from './in-order.ts';

async function* numbers(count: number, pulled: { count: number } = { count: 0 }): AsyncGenerator<number> {
  for (let i = 0; i < count; i++) {
    pulled.count = i + 1;
    yield i;
  }
}

test('results come in the order of the items, whatever each takes, and never more are under way', () =>
  fc.assert(
    fc.asyncProperty(fc.array(fc.nat(3), { maxLength: 9 }), fc.integer({ min: 1, max: 4 }), async (turns, atOnce) => {
      let underWay = 0;
      let most = 0;
      const work = async (i: number): Promise<number> => {
        most = Math.max(most, ++underWay);
        for (let turn = 0; turn < turns[i]!; turn++) await pause(0);
        underWay--;
        return i * 10;
      };
      const results: number[] = [];
      for await (const result of inOrder(numbers(turns.length), work, atOnce)) results.push(result);
      expect(results).toEqual(turns.map((_, i) => i * 10));
      expect(most).toBeLessThanOrEqual(atOnce);
    }),
    { numRuns: 30 },
  ));

test('what is under way goes on while the consumer is busy, and hardly more begins', async () => {
  const pulled = { count: 0 };
  const begun: number[] = [];
  const results = inOrder(numbers(20, pulled), async (i) => void begun.push(i), 3);
  await results.next();
  for (let turn = 0; turn < 20; turn++) await pause(0);
  // The first is with the consumer, at most three are under way or done, and one more is made.
  expect(begun.slice(0, 3)).toEqual([0, 1, 2]);
  expect(begun.length).toBeLessThanOrEqual(4);
  expect(pulled.count).toBeLessThanOrEqual(5);
  await results.return(undefined);
});

test('an error comes in its turn, of the work and of the items', async () => {
  const collect = async (items: AsyncIterable<number>): Promise<unknown[]> => {
    const seen: unknown[] = [];
    try {
      const work = async (i: number): Promise<number> => {
        if (i === 2) throw new Error('work 2');
        await pause(1);
        return i;
      };
      for await (const i of inOrder(items, work, 3)) seen.push(i);
    } catch (error) {
      seen.push((error as Error).message);
    }
    return seen;
  };
  expect(await collect(numbers(5))).toEqual([0, 1, 'work 2']);
  const failing = (async function* () {
    yield* numbers(2);
    throw new Error('items');
  })();
  expect(await collect(failing)).toEqual([0, 1, 'items']);
  expect(await collect(numbers(0))).toEqual([]);
});

test('who leaves ends the items, and does not wait for what is under way', async () => {
  let ended = false;
  const items = (async function* () {
    try {
      yield* numbers(9);
    } finally {
      ended = true;
    }
  })();
  const never = new Promise<number>(() => undefined);
  for await (const i of inOrder(items, (i) => (i === 0 ? Promise.resolve(i) : never), 2)) {
    expect(i).toBe(0);
    break;
  }
  expect(ended).toBe(true);
});
