// Hands a stream of frames on sequence by sequence, so that no window joins two.

import type { Frame } from '@deepearth/core';

/** The frames of one sequence that stand together in the stream. */
export interface SequenceRun {
  readonly sequence: string;
  readonly frames: AsyncIterable<Frame>;
}

/**
 * One run for each stretch of frames of one sequence; a run has to be read to its end before the next is asked for. A
 * sequence that comes again later is another run: its frames are not brought together over the others.
 */
export async function* bySequence(frames: AsyncIterable<Frame>): AsyncGenerator<SequenceRun> {
  const iterator = frames[Symbol.asyncIterator]();
  try {
    let next = await iterator.next();
    while (!next.done) {
      const { sequence } = next.value;
      const own = async function* (): AsyncGenerator<Frame> {
        while (!next.done && next.value.sequence === sequence) {
          yield next.value;
          next = await iterator.next();
        }
      };
      const run = own();
      yield { sequence, frames: run };
      // What the consumer left unread belongs to this run.
      for await (const _ of run);
    }
  } finally {
    await iterator.return?.();
  }
}
