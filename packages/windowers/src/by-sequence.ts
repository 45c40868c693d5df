// Windows frames sequence by sequence, so that no clip joins two.

import { InputError, sourceName, type Clip, type Frame, type StageContext } from '@deepearth/core';

/** Makes the clips of one sequence: gets its frames in order, then is told that there are no more. */
export interface Windowing {
  push(frame: Frame): Iterable<Clip>;
  end(): Iterable<Clip>;
}

/**
 * Starts a windowing for each sequence and yields its clips. Where the sequences come one after the other, one ends
 * when the next begins; where the input says that they are interleaved, all of them stay open until the end. Throws an
 * `InputError` for a sequence that comes again after another although the input did not say so: its clips would begin
 * at 0 a second time, under names that are taken.
 */
export async function* bySequence(
  frames: AsyncIterable<Frame>,
  { inputs }: Pick<StageContext, 'inputs'>,
  start: (sequence: string) => Windowing,
): AsyncGenerator<Clip> {
  const interleaved = inputs.some(({ spec }) => spec.interleaved);
  const open = new Map<string, Windowing>();
  const ended = new Set<string>();
  for await (const frame of frames) {
    const { sequence } = frame;
    if (!open.has(sequence)) {
      if (ended.has(sequence))
        throw new InputError(
          sourceName(frame),
          `the sequence ${JSON.stringify(sequence)} comes again after another (${frame.id}).`,
          {
            code: 'E_SEQUENCE_SPLIT',
            remedy:
              'Send the frames of one sequence after those of the other, or say `interleaved: true` in the spec of the stage that mixes them.',
          },
        );
      if (!interleaved)
        for (const [former, windowing] of open) {
          yield* windowing.end();
          open.delete(former);
          ended.add(former);
        }
      open.set(sequence, start(sequence));
    }
    yield* open.get(sequence)!.push(frame);
  }
  for (const windowing of open.values()) yield* windowing.end();
}
