import fc from 'fast-check';
import { expect, test } from 'vitest';
import { clipShelf } from './clip-shelf.ts';
import type { Clip, Frame, FrameRecord, Raster } from './items.ts';
import { memoryScratch } from './memory-store.ts';
import { readableFrame, readerOf, type LocatorReader } from './readable-frame.ts';
import { tensor } from './tensor.ts';

const pixelsOf = (value: number): Raster => ({
  values: tensor('uint8', [1, 1, 1], Uint8Array.of(value)),
  channels: ['grey'],
});
const reader: LocatorReader = async ({ index = 0 }, { signal }) => {
  signal?.throwIfAborted();
  return pixelsOf(index);
};

const recordOf = (number: number, more: Partial<FrameRecord> = {}): FrameRecord => ({
  kind: 'frame',
  id: `frame-${number}`,
  key: `${number}`,
  sequence: 'séquence "1"\u2028😀',
  number,
  width: 1,
  height: 1,
  locator: { source: 'source/made', uri: 'made:1', index: number },
  ...more,
});
const clipOf = (frames: readonly Frame[]): Clip => ({
  kind: 'clip',
  id: 'clip',
  key: 'key',
  sequence: 'séquence',
  index: 0,
  frames,
  padded: 1,
});
const dataOf = ({ frames, ...clip }: Clip) => ({ ...clip, frames: frames.map(({ read: _, ...record }) => record) });

test('clips come back equal, from the scratch, as often as they are taken, and can be put down again', async () => {
  const record = fc
    .record(
      {
        number: fc.nat(255),
        seconds: fc.double({ noNaN: true, noDefaultInfinity: true }).filter((value) => !Object.is(value, -0)),
        at: fc.string({ unit: 'grapheme' }),
        range: fc.tuple(fc.nat(), fc.nat()),
        footprint: fc.record({ x: fc.nat(), y: fc.nat(), width: fc.nat(), height: fc.nat() }),
      },
      { requiredKeys: ['number'] },
    )
    .map(({ number, ...more }) => recordOf(number, more));
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(record, { minLength: 1, maxLength: 5 }), { maxLength: 5 }), async (all) => {
      const scratch = memoryScratch();
      const shelf = clipShelf(scratch);
      const clips = all.map((records) => clipOf(records.map((each) => readableFrame(each, reader))));
      const shelved = [];
      for (const clip of clips) shelved.push(await shelf.put(clip));
      expect(shelved.every((each) => !('frames' in each))).toBe(true);
      for (const [index, clip] of [...clips.entries()].reverse()) {
        const back = await shelf.take(shelved[index]!);
        expect(dataOf(back)).toEqual(dataOf(clip));
        for (const frame of back.frames) expect(await frame.read()).toEqual(pixelsOf(frame.number));
        const again = await shelf.put(back);
        expect(again).not.toHaveProperty('frames');
        expect(dataOf(await shelf.take(again))).toEqual(dataOf(clip));
      }
    }),
  );
});

test('options of reading reach the reader, also of a `read` that was taken off its frame', async () => {
  const shelf = clipShelf(memoryScratch());
  const back = await shelf.take(await shelf.put(clipOf([readableFrame(recordOf(7), reader)])));
  const { read } = back.frames[0]!;
  expect(await read()).toEqual(pixelsOf(7));
  await expect(read({ signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough');
});

test.each<[string, Frame]>([
  ['has a `read` of its own', { ...recordOf(2), read: async () => pixelsOf(3) }],
  ['is read by another source', readableFrame(recordOf(2), async () => pixelsOf(3))],
  [
    'was given another locator',
    { ...readableFrame(recordOf(3), reader), locator: { source: 'source/made', uri: 'made:2', index: 4 } },
  ],
])('a clip stays as it is where one of its frames %s', async (_, other) => {
  const scratch = memoryScratch();
  const shelf = clipShelf(scratch);
  for (const frames of [
    [readableFrame(recordOf(1), reader), other],
    [other, readableFrame(recordOf(1), reader)],
  ]) {
    const clip = clipOf(frames);
    expect(await shelf.take(await shelf.put(clip))).toBe(clip);
  }
  expect(scratch.length).toBe(0);
  expect(await other.read()).toEqual(pixelsOf(3));
});

test('a copy under other names is read as the frame was', async () => {
  const renamed = { ...readableFrame(recordOf(5), reader), sequence: 'other' };
  expect(readerOf(renamed)).toBe(reader);
  const shelf = clipShelf(memoryScratch());
  const [back] = (await shelf.take(await shelf.put(clipOf([renamed])))).frames;
  expect([back!.sequence, await back!.read()]).toEqual(['other', pixelsOf(5)]);
});
