// Joins pull and push: async iterables as observables that wait for their slowest subscriber, and back.

import { Observable, Subject, type OperatorFunction } from 'rxjs';

/**
 * One item on its way to the subscribers of an edge. RxJS has no back-pressure, so the item carries it: a subscriber
 * that has no room calls `hold` with a promise, and the producer is not asked for more until every such promise is
 * settled.
 */
export interface Delivery<T> {
  readonly value: T;
  hold(until: Promise<void>): void;
}

/** Pushes what an iterable yields, one item at a time. Unsubscribing returns the iterator. */
export function push<T>(items: AsyncIterable<T>): Observable<Delivery<T>> {
  return new Observable((subscriber) => {
    const iterator = items[Symbol.asyncIterator]();
    const run = async (): Promise<void> => {
      while (!subscriber.closed) {
        const next = await iterator.next();
        if (next.done) return subscriber.complete();
        const holds: Promise<void>[] = [];
        subscriber.next({ value: next.value, hold: (until) => holds.push(until) });
        if (holds.length) await Promise.all(holds);
      }
    };
    run().catch((error: unknown) => subscriber.error(error));
    return () => void iterator.return?.()?.catch(() => undefined);
  });
}

/** An iterator that can be left early without waiting for the producer. */
export interface Pulled<T> extends AsyncIterableIterator<T> {
  return(): Promise<IteratorResult<T>>;
}

/**
 * Subscribes at once and queues at most `bound` items; a full queue holds the producer. Iterate it once. When `signal`
 * is aborted the pending and every later `next` rejects with its reason.
 */
export function pull<T>(deliveries: Observable<Delivery<T>>, bound: number, signal?: AbortSignal): Pulled<T> {
  const queue: T[] = [];
  let ended: { error?: unknown } | undefined;
  let waiting: (() => void) | undefined;
  const held: (() => void)[] = []; // one per producer that waits: several may feed one queue
  const wake = (): void => {
    waiting?.();
    waiting = undefined;
  };
  const makeRoom = (): void => {
    for (const release of held.splice(0)) release();
  };
  const subscription = deliveries.subscribe({
    next: ({ value, hold }) => {
      queue.push(value);
      if (queue.length >= bound) hold(new Promise((resolve) => held.push(resolve)));
      wake();
    },
    error: (error: unknown) => {
      ended = { error };
      wake();
    },
    complete: () => {
      ended = {};
      wake();
    },
  });
  const stop = (): void => {
    subscription.unsubscribe();
    queue.length = 0;
    ended ??= {};
    makeRoom();
    wake();
  };
  const abort = (): void => {
    ended = { error: signal?.reason };
    stop();
  };
  if (signal?.aborted) abort();
  else signal?.addEventListener('abort', abort, { once: true });

  return {
    async next() {
      while (queue.length === 0 && !ended) await new Promise<void>((resolve) => (waiting = resolve));
      if (queue.length > 0) {
        const value = queue.shift()!;
        if (queue.length < bound) makeRoom();
        return { done: false, value };
      }
      signal?.removeEventListener('abort', abort);
      if (ended && 'error' in ended) throw ended.error;
      return { done: true, value: undefined };
    },
    async return() {
      signal?.removeEventListener('abort', abort);
      stop();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

/**
 * Runs an RxJS operator as the body of a stage: it is fed one item at a time and everything it returns is yielded
 * before the next item is pulled, so `bufferCount(16, 16)` stays pulled. An operator that returns later (`delay`) keeps
 * what it holds in its own memory.
 */
export async function* operate<In, Out>(
  items: AsyncIterable<In>,
  operator: OperatorFunction<In, Out>,
): AsyncGenerator<Out> {
  const input = new Subject<In>();
  const answered: Out[] = [];
  let ended: { error?: unknown } | undefined;
  let waiting: (() => void) | undefined;
  const wake = (): void => waiting?.();
  const subscription = input.pipe(operator).subscribe({
    next: (value) => {
      answered.push(value);
      wake();
    },
    error: (error: unknown) => {
      ended = { error };
      wake();
    },
    complete: () => {
      ended = {};
      wake();
    },
  });
  try {
    for await (const item of items) {
      input.next(item);
      while (answered.length) yield answered.shift()!;
      if (ended) break;
    }
    input.complete();
    for (;;) {
      while (answered.length) yield answered.shift()!;
      if (ended) break;
      await new Promise<void>((resolve) => (waiting = resolve));
    }
    if ('error' in ended) throw ended.error;
  } finally {
    subscription.unsubscribe();
  }
}
