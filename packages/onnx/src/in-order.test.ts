import { setImmediate as nothingMoves, setTimeout as pause } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { inOrder } from './in-order.ts';

async function* numbers(count: number, pulled: { count: number } = { count: 0 }): AsyncGenerator<number> {
  for (let i = 0; i < count; i++) {
    pulled.count = i + 1;
    yield i;
  }
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

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

test('as many are under way as may be, begun in their order, whichever of them ends first', () =>
  fc.assert(
    fc.asyncProperty(fc.array(fc.nat(), { maxLength: 9 }), fc.integer({ min: 1, max: 4 }), async (endings, atOnce) => {
      const count = endings.length;
      const begun: number[] = [];
      const end = new Map<number, () => void>();
      const work = (i: number): Promise<number> => {
        begun.push(i);
        return new Promise((resolve) => end.set(i, () => resolve(i)));
      };
      const results: number[] = [];
      const consumer = (async () => {
        for await (const result of inOrder(numbers(count), work, atOnce)) results.push(result);
      })();
      for (const ending of endings) {
        await nothingMoves();
        // All that have ended before the first that has not; each of the others keeps its place until its turn.
        const first = Math.min(...end.keys());
        expect(results).toEqual(upTo(first));
        expect(begun).toEqual(upTo(Math.min(count, first + atOnce)));
        const chosen = [...end.keys()][ending % end.size]!;
        end.get(chosen)!();
        end.delete(chosen);
      }
      await consumer;
      expect(results).toEqual(upTo(count));
    }),
    { numRuns: 100 },
  ));

test('what is under way goes on while the consumer is busy, and what has no place does not begin', () =>
  fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 5 }), async (atOnce, taken) => {
      const pulled = { count: 0 };
      const begun: number[] = [];
      const results = inOrder(numbers(20, pulled), async (i) => void begun.push(i), atOnce);
      for (let i = 0; i < taken; i++) {
        await results.next();
        await nothingMoves();
      }
      // Those that the consumer has had, those with a place, and of the items one more.
      const most = atOnce === 1 ? taken : taken + atOnce;
      expect(begun).toEqual(upTo(begun.length));
      expect(begun.length).toBeGreaterThanOrEqual(taken + atOnce - 1);
      expect(begun.length).toBeLessThanOrEqual(most);
      expect(pulled.count).toBeLessThanOrEqual(most + 1);
      await results.return(undefined);
    }),
    { numRuns: 20 },
  ));

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
