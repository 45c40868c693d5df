// Hands a stream of frames on sequence by sequence, so that no window joins two.

import { InputError, sourceName, type Frame } from '@deepearth/core';

/** The frames of one sequence that stand together in the stream. */
export interface SequenceRun {
  readonly sequence: string;
  readonly frames: AsyncIterable<Frame>;
}

/**
 * One run for each sequence; a run has to be read to its end before the next is asked for. Throws an `InputError` for a
 * sequence that comes again after another: its clips would begin at 0 a second time, under names that are taken.
 */
export async function* bySequence(frames: AsyncIterable<Frame>): AsyncGenerator<SequenceRun> {
  const iterator = frames[Symbol.asyncIterator]();
  const ended = new Set<string>();
  try {
    let next = await iterator.next();
    while (!next.done) {
      const { sequence } = next.value;
      if (ended.has(sequence))
        throw new InputError(
          sourceName(next.value),
          `the sequence ${JSON.stringify(sequence)} comes again after another (${next.value.id}).`,
          { code: 'E_SEQUENCE_SPLIT', remedy: 'Send the frames of one sequence after those of the other, not mixed.' },
        );
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
      ended.add(sequence);
    }
  } finally {
    await iterator.return?.();
  }
}
