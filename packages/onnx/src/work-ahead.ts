// Works on a few items at a time, and sends what comes of them in order.

/**
 * What `work` makes of each item, in their order; `most` items are worked on while one is waited for. Items are asked for
 * one after the other. An error that comes early is thrown in its turn. Ends the items when the consumer leaves, once
 * what is under way has come.
 */
export async function* workAhead<T, R>(
  items: AsyncIterable<T>,
  most: number,
  work: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const iterator = items[Symbol.asyncIterator]();
  const under: Promise<{ readonly made: R } | undefined>[] = [];
  let asked: Promise<unknown> = Promise.resolve();
  let over = false;
  const ask = (): void => {
    const next = asked.then(async () => {
      if (over) return undefined;
      const item = await iterator.next();
      over ||= item.done === true;
      return item;
    });
    asked = next;
    const made = next.then(async (item) => (item && !item.done ? { made: await work(item.value) } : undefined));
    // They are waited for later.
    for (const promise of [next, made]) promise.catch(() => (over = true));
    under.push(made);
  };
  try {
    for (let i = 0; i < most; i++) ask();
    for (;;) {
      const result = await under.shift();
      if (!result) return;
      ask();
      yield result.made;
    }
  } finally {
    over = true;
    await Promise.allSettled(under);
    await iterator.return?.();
  }
}
