import { setTimeout as pause } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { oneAhead } from './one-ahead.ts';

/** Items that are made slowly; `asked` has those that were asked for. */
function made<T>(items: readonly T[], asked: T[], failAt = Infinity, onEnd = (): void => undefined) {
  return (async function* () {
    try {
      for (const [i, item] of items.entries()) {
        if (i === failAt) throw new Error(`no ${i}`);
        asked.push(item);
        await pause(0);
        yield item;
      }
    } finally {
      onEnd();
    }
  })();
}

describe('one ahead', () => {
  test('sends the same items, in order, and asks for one more than it sends, never two', () =>
    fc.assert(
      fc.asyncProperty(fc.array(fc.integer(), { maxLength: 8 }), async (items) => {
        const asked: number[] = [];
        const sent: number[] = [];
        for await (const item of oneAhead(made(items, asked))) {
          sent.push(item);
          await pause(1);
          expect(asked.length).toBe(Math.min(items.length, sent.length + 1));
        }
        expect(sent).toEqual(items);
      }),
      { numRuns: 30 },
    ));

  test('throws an error in its turn, after the items before it', async () => {
    const sent: number[] = [];
    const all = (async () => {
      for await (const item of oneAhead(made([1, 2, 3], [], 2))) {
        await pause(5);
        sent.push(item);
      }
    })();
    await expect(all).rejects.toThrow('no 2');
    expect(sent).toEqual([1, 2]);
  });

  test('ends its items when the consumer leaves, or when it fails', async () => {
    let ended = 0;
    const end = (): void => void ended++;
    for await (const item of oneAhead(made([1, 2, 3], [], Infinity, end))) if (item === 1) break;
    expect(ended).toBe(1);
    const failing = (async () => {
      for await (const _ of oneAhead(made([1, 2, 3], [], Infinity, end))) throw new Error('mine');
    })();
    await expect(failing).rejects.toThrow('mine');
    expect(ended).toBe(2);
    expect(await oneAhead(made([], [], Infinity, end)).next()).toEqual({ done: true, value: undefined });
    expect(ended).toBe(3);
  });
});
