// Things that are lent, each to one at a time, to whoever waits first.

import { DeepEarthError } from '@deepearth/core/errors';

/** Things of which each is used by one at a time. */
export interface Pool<T> {
  /** The next that is free; `first` goes before all that wait. Rejects once nothing is left. */
  take(first?: boolean): Promise<T>;
  /** Gives one back. */
  give(one: T): void;
  /** Takes one that was taken out for good; those that wait get the others, or the reason where none is left. */
  drop(one: T, reason: unknown): void;
  /** How many there are, in use or not. */
  size(): number;
  /** Those who wait get this as their error, and so does everybody after them. */
  close(reason: DeepEarthError): void;
}

interface Waiting<T> {
  resolve(one: T): void;
  reject(reason: unknown): void;
}

/** A pool of `all`; of several that are free the one that was given back last is taken first: it is warm. */
export function poolOf<T>(all: readonly T[]): Pool<T> {
  const free = [...all].reverse();
  const waiting: Waiting<T>[] = [];
  let left = all.length;
  let over: { readonly reason: unknown } | undefined;
  const end = (reason: unknown): void => {
    over ??= { reason };
    for (const { reject } of waiting.splice(0)) reject(reason);
  };
  return {
    async take(first = false) {
      if (over) throw over.reason;
      const one = free.pop();
      if (one !== undefined) return one;
      return new Promise<T>((resolve, reject) => waiting[first ? 'unshift' : 'push']({ resolve, reject }));
    },
    give(one) {
      const next = waiting.shift();
      if (next) next.resolve(one);
      else free.push(one);
    },
    drop(_, reason) {
      left--;
      if (left === 0) end(reason);
    },
    size: () => left,
    close: end,
  };
}
