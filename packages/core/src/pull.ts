// Joins pull and push: async iterables as observables that wait for their slowest subscriber, and back.

import { Observable, Subject, type OperatorFunction, type Subscriber } from 'rxjs';

/**
 * One item on its way to one subscriber of an edge. RxJS has no back-pressure, so the item carries it: the producer is
 * not asked for more until every subscriber has called `take` on its delivery, or has left. An operator in between that
 * delivers later (`delay`, `observeOn`) therefore holds the producer for as long; one that drops deliveries (`filter`)
 * has to take those it drops.
 */
export interface Delivery<T> {
  readonly value: T;
  /** Says that there is room for another; calling it again changes nothing. */
  take(): void;
}

/**
 * Pushes what an iterable yields to all subscribers, one item at a time. The first subscriber starts it; items come in
 * a later turn, so whoever subscribes in the same turn misses nothing. When the last subscriber leaves, the iterator
 * returns. A subscriber that comes after the end gets the end. `sent` is told of each item and how many get it, before
 * they do.
 */
export function push<T>(
  items: AsyncIterable<T>,
  sent: (value: T, to: number) => void = () => undefined,
): Observable<Delivery<T>> {
  /** Of each subscriber, how to free the producer from waiting for it. */
  const subscribers = new Map<Subscriber<Delivery<T>>, (() => void) | undefined>();
  let iterator: AsyncIterator<T> | undefined;
  let end: { readonly error?: unknown } | undefined;

  const settle = (ended: { readonly error?: unknown }): void => {
    end = ended;
    for (const subscriber of [...subscribers.keys()]) tell(subscriber, ended);
  };
  const deliver = (subscriber: Subscriber<Delivery<T>>, value: T): Promise<void> =>
    new Promise((taken) => {
      subscribers.set(subscriber, taken);
      subscriber.next({
        value,
        take: () => {
          if (subscribers.get(subscriber) === taken) subscribers.set(subscriber, undefined);
          taken();
        },
      });
    });
  const run = async (source: AsyncIterator<T>): Promise<void> => {
    while (subscribers.size > 0) {
      const next = await source.next();
      if (next.done) return settle({});
      sent(next.value, subscribers.size);
      await Promise.all([...subscribers.keys()].map((subscriber) => deliver(subscriber, next.value)));
    }
  };

  return new Observable((subscriber) => {
    if (end) return tell(subscriber, end);
    subscribers.set(subscriber, undefined);
    if (!iterator) {
      iterator = items[Symbol.asyncIterator]();
      run(iterator).catch((error: unknown) => settle({ error }));
    }
    return () => {
      const free = subscribers.get(subscriber);
      subscribers.delete(subscriber);
      free?.();
      if (subscribers.size > 0 || end) return;
      end = {};
      void iterator?.return?.()?.catch(() => undefined);
    };
  });
}

const tell = (subscriber: Subscriber<unknown>, end: { readonly error?: unknown }): void =>
  'error' in end ? subscriber.error(end.error) : subscriber.complete();

/** An iterator that can be left early without waiting for the producer. */
export interface Pulled<T> extends AsyncIterableIterator<T> {
  return(): Promise<IteratorResult<T>>;
}

/**
 * Subscribes at once and queues at most `bound` items; a full queue holds the producer. Iterate it once. Calls of
 * `next` that overlap get items in the order of the calls. When `signal` is aborted the pending and every later `next`
 * rejects with its reason.
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
    next: ({ value, take }) => {
      queue.push(value);
      if (queue.length >= bound) held.push(take);
      else take();
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

  const nextOf = async (): Promise<IteratorResult<T>> => {
    while (queue.length === 0 && !ended) await new Promise<void>((resolve) => (waiting = resolve));
    if (queue.length > 0) {
      const value = queue.shift()!;
      if (queue.length < bound) makeRoom();
      return { done: false, value };
    }
    signal?.removeEventListener('abort', abort);
    if (ended && 'error' in ended) throw ended.error;
    return { done: true, value: undefined };
  };
  let last: Promise<unknown> | undefined;

  return {
    next() {
      // One call waits at a time, as in a generator.
      const own = last ? last.then(nextOf, nextOf) : nextOf();
      const settled = (): void => void (last === own && (last = undefined));
      last = own;
      own.then(settled, settled);
      return own;
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
