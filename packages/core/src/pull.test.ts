import fc from 'fast-check';
import { asyncScheduler, bufferCount, delay, merge, observeOn, pairwise, take as takeOperator } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { operate, pull, push } from './pull.ts';

const later = (milliseconds = 0): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function* count(to: number, made: { value: number } = { value: 0 }): AsyncGenerator<number> {
  for (let i = 0; i < to; i++) {
    made.value = i + 1;
    yield i;
  }
}

const all = async <T>(items: AsyncIterable<T>): Promise<T[]> => {
  const out: T[] = [];
  for await (const item of items) out.push(item);
  return out;
};

describe('an edge', () => {
  test('carries everything in order, whatever the bound', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(50), fc.integer({ min: 1, max: 8 }), async (length, bound) => {
        expect(await all(pull(push(count(length)), bound))).toEqual(Array.from({ length }, (_, i) => i));
      }),
    );
  });

  test('gives overlapping calls of next the items in the order of the calls, and all of them the end', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(8), fc.integer({ min: 1, max: 12 }), async (length, calls) => {
        const items = pull(push(count(length)), 2);
        const results = await Promise.all(Array.from({ length: calls }, () => items.next()));
        expect(results.map(({ value, done }) => (done ? 'end' : value))).toEqual(
          Array.from({ length: calls }, (_, i) => (i < length ? i : 'end')),
        );
        const waiting = [items.next(), items.next()];
        await items.return();
        const left = await Promise.all(waiting);
        expect(left.filter(({ done }) => !done).length).toBeLessThanOrEqual(Math.max(0, length - calls));
      }),
      { numRuns: 30 },
    );
  });

  test('never holds more than its bound: 10,000 items, one quick and one slow consumer', async () => {
    const bound = 2;
    const made = { value: 0 };
    const edge$ = push(count(10_000, made));
    const quick = pull(edge$, bound);
    const slow = pull(edge$, bound);
    let most = 0;
    let seen = 0;
    const draining = all(quick);
    for await (const item of slow) {
      seen = item + 1;
      most = Math.max(most, made.value - seen);
      if (item % 500 === 0) await later(1);
    }
    expect(seen).toBe(10_000);
    expect(await draining).toHaveLength(10_000);
    expect(most).toBeLessThanOrEqual(bound + 1); // the queue, and the one the producer holds out
  });

  test.each([
    ['delay(0)', delay(0)],
    ['observeOn(asyncScheduler)', observeOn(asyncScheduler)],
  ])('stays within its bound behind %s, which delivers in a later turn', async (_, operator) => {
    const made = { value: 0 };
    const late = pull(push(count(2000, made)).pipe(operator as never), 2) as AsyncIterable<number>;
    let [seen, most] = [0, 0];
    for await (const item of late) {
      seen = item + 1;
      most = Math.max(most, made.value - seen);
      if (item % 100 === 0) await later(2);
    }
    expect(seen).toBe(2000);
    expect(most).toBeLessThanOrEqual(3);
  });

  test('tells who subscribes after the end that it ended, and lets others go on when one leaves', async () => {
    const edge$ = push(count(3));
    const [stays, leaves] = [pull(edge$, 1), pull(edge$, 1)];
    await leaves.next();
    await leaves.return();
    expect(await all(stays)).toEqual([0, 1, 2]);
    expect(await all(pull(edge$, 1))).toEqual([]);
  });

  test('merges several producers without holding more', async () => {
    const made = { value: 0 };
    const merged = pull(merge(push(count(100, made)), push(count(100))), 2);
    const first = await merged.next();
    await later(5);
    expect(first.done).toBe(false);
    expect(made.value).toBeLessThanOrEqual(4);
    expect(await all(merged)).toHaveLength(199);
  });

  test('lets the producer end when every consumer has left', async () => {
    let closed = false;
    const producer = (async function* () {
      try {
        for (let i = 0; ; i++) yield i;
      } finally {
        closed = true;
      }
    })();
    const edge$ = push(producer);
    const [a, b] = [pull(edge$, 2), pull(edge$, 2)];
    await a.next();
    await a.return();
    await later();
    expect(closed).toBe(false);
    await b.return();
    await later();
    expect(closed).toBe(true);
  });

  test('hands an error on after what came before it', async () => {
    const failing = (async function* () {
      yield 1;
      throw new Error('broken frame');
    })();
    const items = pull(push(failing), 4);
    expect(await items.next()).toEqual({ done: false, value: 1 });
    await expect(items.next()).rejects.toThrow('broken frame');
  });

  test('rejects a waiting consumer when the signal is aborted', async () => {
    const never = (async function* (): AsyncGenerator<number> {
      await new Promise(() => undefined);
    })();
    const stop = new AbortController();
    const next = pull(push(never), 2, stop.signal).next();
    stop.abort(new Error('enough'));
    await expect(next).rejects.toThrow('enough');
  });
});

describe('an RxJS operator as a body', () => {
  test('stays pulled: it is fed no further than what is asked of it', async () => {
    const made = { value: 0 };
    const windows = operate(count(1000, made), bufferCount<number>(16, 16));
    await windows.next();
    expect(made.value).toBe(16);
    await windows.next();
    expect(made.value).toBe(32);
    await windows.return(undefined);
  });

  test('returns what the operator returns, with its drain', async () => {
    expect(await all(operate(count(5), bufferCount<number>(2)))).toEqual([[0, 1], [2, 3], [4]]);
    expect(await all(operate(count(4), pairwise<number>()))).toEqual([
      [0, 1],
      [1, 2],
      [2, 3],
    ]);
    expect(await all(operate(count(3), delay<number>(2)))).toEqual([0, 1, 2]);
  });

  test('stops pulling when the operator completes early', async () => {
    const made = { value: 0 };
    expect(await all(operate(count(1000, made), takeOperator<number>(3)))).toEqual([0, 1, 2]);
    expect(made.value).toBe(3);
  });
});
