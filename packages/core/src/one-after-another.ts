// Makes one stream of several: all of the first, then all of the second, whatever comes when.

import { aside, type Aside } from './aside.ts';
import type { Scratch } from './stage.ts';

/** One of the streams. */
export interface Lane<T> {
  readonly items: AsyncIterable<T>;
  /** Whether it can wait, unread, until those before it have ended; else it is read meanwhile and kept aside. */
  readonly waits: boolean;
}

/**
 * Yields the lanes in their order. What comes of a later lane too early is kept aside, its numbers in the scratch that
 * `open` gives for it. A lane that fails fails the whole at once: those before it may be waiting for it.
 */
export async function* oneAfterAnother<T>(
  lanes: readonly Lane<T>[],
  open: (lane: number) => Promise<Pick<Scratch, 'append' | 'read' | 'clear'>>,
): AsyncGenerator<T> {
  const iterators = lanes.map(({ items }) => items[Symbol.asyncIterator]());
  let failure: { readonly error: unknown } | undefined;
  let fail: ((error: unknown) => void) | undefined;
  /** The next of a lane, or the failure of one that is read ahead meanwhile. */
  const next = (iterator: AsyncIterator<T>): Promise<IteratorResult<T>> =>
    new Promise((resolve, reject) => {
      if (failure) return reject(failure.error);
      fail = reject;
      iterator.next().then(resolve, reject);
    });
  const ahead = lanes.map(({ waits }, index) =>
    index === 0 || waits
      ? undefined
      : readAhead(
          iterators[index]!,
          aside<T>(() => open(index)),
          (error) => {
            failure ??= { error };
            fail?.(error);
          },
        ),
  );
  try {
    for (const [index, iterator] of iterators.entries()) {
      let ended = false;
      if (ahead[index]) {
        const { queue, stop } = ahead[index];
        const stopped = stop();
        for (let item = await queue.shift(); item !== undefined; item = await queue.shift()) yield item;
        // One more may have been on its way.
        ended = await stopped;
        for (let item = await queue.shift(); item !== undefined; item = await queue.shift()) yield item;
      }
      while (!ended) {
        const item = await next(iterator);
        if (item.done) ended = true;
        else yield item.value;
      }
    }
  } finally {
    await Promise.all(iterators.map(async (iterator) => iterator.return?.()));
  }
}

/** Reads a lane into a queue until it is told to stop, which returns whether the lane has ended. */
function readAhead<T>(
  iterator: AsyncIterator<T>,
  queue: Aside<T>,
  fail: (error: unknown) => void,
): { readonly queue: Aside<T>; stop(): Promise<boolean> } {
  let stopped = false;
  const reading = (async () => {
    while (!stopped) {
      const next = await iterator.next();
      if (next.done) return true;
      await queue.push(next.value);
    }
    return false;
  })();
  reading.catch(fail);
  return {
    queue,
    stop() {
      stopped = true;
      return reading;
    },
  };
}
