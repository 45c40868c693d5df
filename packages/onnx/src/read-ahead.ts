// Reading the pictures of a clip: several at a time, where they are small enough, in their order.

import { availableParallelism } from 'node:os';
import { fitAtOnce } from '@deepearth/core/fit-at-once';
import type { Frame } from '@deepearth/core/items';
import { frameBytes, type StreamSpec } from '@deepearth/core/specs';

/**
 * How many pictures of so many bytes are read at a time: one for each core and one more, as one is worked on while the
 * others are read, and never more than fit into 64 MiB.
 */
export const readsAtOnce = (bytes: number): number => fitAtOnce(bytes, availableParallelism() + 1);

/** Bytes of a frame's pixels, as far as the frame tells: those that are not 8-bit may take four times as many. */
export const pixelBytes = ({ width, height, range }: Pick<Frame, 'width' | 'height' | 'range'>): number =>
  width * height * (range ? 12 : 3);

/** What pictures that are read ahead hold beside the one that is worked on. */
export const aheadBytes = (stream: StreamSpec): number => {
  const bytes = frameBytes(stream);
  return bytes * (readsAtOnce(bytes) - 1);
};

/** Begins `reads` in order, `atOnce` under way at a time, and sends what they return in the same order. */
export async function* readAhead<T>(reads: readonly (() => Promise<T>)[], atOnce: number): AsyncGenerator<T> {
  const underWay: Promise<T>[] = [];
  let next = 0;
  for (let sent = 0; sent < reads.length; sent++) {
    while (next < reads.length && underWay.length < atOnce) {
      const begun = reads[next++]!();
      // It is waited for later.
      begun.catch(() => undefined);
      underWay.push(begun);
    }
    yield await underWay.shift()!;
  }
}
