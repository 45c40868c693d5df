import { describe, expect, test } from 'vitest';
import { inOrder } from './in-order.ts';

const wait = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));
async function* count(n: number): AsyncGenerator<number> {
  for (let i = 0; i < n; i++) yield i;
}
async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

describe('inOrder', () => {
  test('keeps the order whatever is done first', async () => {
    expect(await collect(inOrder(count(9), 3, async (i) => (await wait((9 - i) % 4), i * 10)))).toEqual([
      0, 10, 20, 30, 40, 50, 60, 70, 80,
    ]);
  });

  test('never has more under way than it may', async () => {
    let now = 0;
    let peak = 0;
    await collect(
      inOrder(count(20), 3, async () => {
        peak = Math.max(peak, ++now);
        await wait(1);
        now--;
      }),
    );
    expect(peak).toBe(3);
  });

  test('waits for what is under way before it passes on a failure', async () => {
    const done: number[] = [];
    const items = inOrder(count(5), 3, async (i) => {
      if (i === 0) throw new Error('the first failed');
      await wait(5);
      done.push(i);
    });
    await expect(collect(items)).rejects.toThrow('the first failed');
    expect(done).toEqual([1, 2]);
  });
});
