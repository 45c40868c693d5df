// Works on a few items at a time and hands the results on in the order of the items.

/**
 * Starts up to `most` works before the first is done. Nothing is taken while the consumer waits. When one fails, or the
 * items do, those under way are waited for (a file that is being written is whole or gone), and then the failure is
 * thrown.
 */
export async function* inOrder<In, Out>(
  items: AsyncIterable<In> | Iterable<In>,
  most: number,
  work: (item: In) => Promise<Out>,
): AsyncGenerator<Out> {
  const underWay: Promise<Out>[] = [];
  try {
    for await (const item of items) {
      const started = work(item);
      // A failure is met when its turn comes; until then it is no unhandled one.
      started.catch(() => undefined);
      underWay.push(started);
      if (underWay.length >= most) yield await underWay.shift()!;
    }
    while (underWay.length) yield await underWay.shift()!;
  } finally {
    await Promise.allSettled(underWay);
  }
}
