// Several items worked on at a time, results in their order.

import { oneAhead } from './one-ahead.ts';

/**
 * What `work` makes of each item, in the order of the items. `atOnce` are under way at a time, begun in order, and one
 * more item is made meanwhile; nothing more begins while the consumer is busy with a result. An error comes in its
 * turn. What is under way when the consumer leaves is not waited for.
 */
export async function* inOrder<T, U>(
  items: AsyncIterable<T>,
  work: (item: T) => Promise<U>,
  atOnce: number,
): AsyncGenerator<U> {
  const source = oneAhead(items);
  if (atOnce === 1) {
    for await (const item of source) yield await work(item);
    return;
  }
  const underWay: Promise<U>[] = [];
  let pulling: Promise<void> | undefined;
  let ended = false;
  let left = false;
  /** Begins what there is room for, for as long as there is room; the items' own error takes its place in the order. */
  const fill = (): void => {
    if (pulling || ended || left || underWay.length >= atOnce) return;
    pulling = source.next().then(
      (next) => {
        pulling = undefined;
        if (next.done) ended = true;
        else if (!left) begin(work(next.value));
        fill();
      },
      (error: unknown) => {
        pulling = undefined;
        ended = true;
        begin(Promise.reject(error));
      },
    );
  };
  const begin = (result: Promise<U>): void => {
    // It is waited for in its turn.
    result.catch(() => undefined);
    underWay.push(result);
  };
  try {
    for (;;) {
      fill();
      if (underWay.length > 0) {
        // It keeps its place until it is there: so many are under way, not so many and one.
        const result = await underWay[0]!;
        void underWay.shift();
        yield result;
      } else if (ended) return;
      else await pulling;
    }
  } finally {
    left = true;
    await pulling; // it does not reject: an error of the items takes its place in the order
    await source.return(undefined);
  }
}
