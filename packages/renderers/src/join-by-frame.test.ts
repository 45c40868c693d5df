import { makePictures } from '@deepearth/testing';
import type { Picture } from '@deepearth/core/items';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { joinByFrame } from './join-by-frame.ts';
import { frameOf, pictureQueue } from './picture-queue.ts';

/** What one stream shows: numbers of frames of each sequence. */
interface Shows {
  readonly sequence: string;
  readonly number: number;
}

const [blank] = makePictures(1, { width: 1, height: 1 });
const pictureOf = ({ sequence, number }: Shows): Picture => ({
  ...blank!,
  id: `${sequence}-${number}`,
  frame: { ...blank!.frame, sequence, number },
});

/** Yields with pauses that differ from stream to stream; `late` holds everything back until the end. */
async function* stream(items: readonly Shows[], pauses: readonly number[], late: boolean): AsyncGenerator<Picture> {
  if (late) await new Promise((resolve) => setTimeout(resolve, 70));
  for (const [index, item] of items.entries()) {
    const pause = pauses.length ? pauses[index % pauses.length]! : 0;
    for (let turn = 0; turn < pause; turn++) await new Promise((resolve) => setImmediate(resolve));
    yield pictureOf(item);
  }
}

const scratch = () => {
  const parts: Uint8Array[] = [];
  let length = 0;
  return Promise.resolve({
    append: async (bytes: Uint8Array) => {
      parts.push(bytes.slice());
      return (length += bytes.length) - bytes.length;
    },
    read: async (offset: number, bytes: number) => {
      const whole = new Uint8Array(length);
      let at = 0;
      for (const part of parts) {
        whole.set(part, at);
        at += part.length;
      }
      return whole.slice(offset, offset + bytes);
    },
    clear: async () => {
      parts.length = 0;
      length = 0;
    },
  });
};

interface Streams {
  readonly lanes: readonly (readonly Shows[])[];
  readonly pauses: readonly (readonly number[])[];
  readonly late: readonly boolean[];
}

async function rows({ lanes, pauses, late }: Streams, interleaved: boolean) {
  const found: { frame: string; panels: (string | undefined)[]; held: readonly number[] }[] = [];
  const inputs = lanes.map((lane, index) => stream(lane, pauses[index] ?? [], late[index] ?? false));
  for await (const { frame, panels, held } of joinByFrame(inputs, () => pictureQueue(scratch, 1), interleaved))
    found.push({
      frame: `${frame.sequence}-${frame.number}`,
      panels: panels.map((panel) => panel && `${frameOf(panel).sequence}-${frameOf(panel).number}`),
      held,
    });
  return found;
}

const sequences = ['a', 'b', 'c'];

/** Every sequence has up to six frames, of which each stream shows some, in order. */
const lanes = fc
  .array(fc.array(fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }), { minLength: 3, maxLength: 3 }), {
    minLength: 1,
    maxLength: 3,
  })
  .map((streams) =>
    streams.map((shown) =>
      sequences.flatMap((sequence, s) =>
        shown[s]!.flatMap((yes, number) => (yes ? [{ sequence, number } satisfies Shows] : [])),
      ),
    ),
  );

/** The same items in an order that mixes the sequences but keeps each of them in order. */
const shuffled = (items: readonly Shows[], choices: readonly number[]): Shows[] => {
  const left = sequences.map((sequence) => items.filter((item) => item.sequence === sequence));
  return items.map((_, index) => {
    const open = left.filter((queue) => queue.length > 0);
    return open[choices[index % choices.length]! % open.length]!.shift()!;
  });
};

const timing = fc.record({
  pauses: fc.array(fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 4 }), { maxLength: 3 }),
  late: fc.array(fc.boolean(), { maxLength: 3 }),
});

/** The laws of rows, whatever the order in which items arrive. */
function check(found: Awaited<ReturnType<typeof rows>>, streams: Streams['lanes']): void {
  const every = [...new Set(streams.flat().map(({ sequence, number }) => `${sequence}-${number}`))];
  expect(found.map(({ frame }) => frame).sort()).toEqual(every.sort());
  const last = new Map<string, number>();
  for (const { frame, panels, held } of found) {
    const [sequence, number] = [frame[0]!, Number(frame.slice(2))];
    expect(number).toBeGreaterThan(last.get(sequence) ?? -1);
    last.set(sequence, number);
    streams.forEach((lane, index) => {
      const own = lane.filter((item) => item.sequence === sequence && item.number <= number).at(-1);
      expect(panels[index]).toBe(own && `${own.sequence}-${own.number}`);
      expect(held.includes(index)).toBe(own?.number !== number);
    });
  }
}

describe('rows of several streams', () => {
  test('show one frame of one sequence, with the latest picture of a stream that lacks it', async () => {
    await fc.assert(
      fc.asyncProperty(lanes, timing, async (streams, when) => {
        check(await rows({ lanes: streams, ...when }, false), streams);
      }),
      { numRuns: 40 },
    );
  });

  test('are the same where the sequences come in turns', async () => {
    await fc.assert(
      fc.asyncProperty(
        lanes,
        timing,
        fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 1, maxLength: 9 }),
        async (streams, when, choices) => {
          const mixed = streams.map((lane, index) => shuffled(lane, [...choices, index]));
          check(await rows({ lanes: mixed, ...when }, true), mixed);
        },
      ),
      { numRuns: 40 },
    );
  });

  test('come in the same order however the streams are delayed', async () => {
    await fc.assert(
      fc.asyncProperty(lanes, timing, timing, fc.boolean(), async (streams, one, other, interleaved) => {
        const mixed = interleaved ? streams.map((lane, index) => shuffled(lane, [index, 1, 2])) : streams;
        expect(await rows({ lanes: mixed, ...one }, interleaved)).toEqual(
          await rows({ lanes: mixed, ...other }, interleaved),
        );
      }),
      { numRuns: 40 },
    );
  });
});
