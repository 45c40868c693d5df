import fc from 'fast-check';
import { expect, test } from 'vitest';
import { itemShelf, type Shelved } from './item-shelf.ts';
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
      const shelf = itemShelf(scratch);
      const clips = all.map((records) => clipOf(records.map((each) => readableFrame(each, reader))));
      const shelved: Shelved<Clip>[] = [];
      for (const clip of clips) shelved.push(await shelf.put(clip));
      expect(shelved.every(({ handles }) => handles === undefined)).toBe(true);
      for (const [index, clip] of [...clips.entries()].reverse()) {
        const back = await shelf.take(shelved[index]!);
        expect(dataOf(back)).toEqual(dataOf(clip));
        for (const frame of back.frames) expect(await frame.read()).toEqual(pixelsOf(frame.number));
        const again = await shelf.put(back);
        expect(again).not.toHaveProperty('handles');
        expect(dataOf(await shelf.take(again))).toEqual(dataOf(clip));
      }
    }),
  );
});

test('options of reading reach the reader, also of a `read` that was taken off its frame', async () => {
  const shelf = itemShelf(memoryScratch());
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
])('a frame keeps its own `read` where it %s', async (_, other) => {
  const shelf = itemShelf(memoryScratch());
  const known = readableFrame(recordOf(1), reader);
  for (const frames of [
    [known, other],
    [other, known],
  ]) {
    const clip = clipOf(frames);
    const shelved = await shelf.put(clip);
    for (let times = 0; times < 2; times++) {
      const back = await shelf.take(shelved);
      expect(dataOf(back)).toEqual(dataOf(clip));
      expect(await Promise.all(back.frames.map((frame) => frame.read()))).toEqual(
        await Promise.all(frames.map((frame) => frame.read())),
      );
    }
  }
});

test('a copy under other names is read as the frame was', async () => {
  const renamed = { ...readableFrame(recordOf(5), reader), sequence: 'other' };
  expect(readerOf(renamed)).toBe(reader);
  const shelf = itemShelf(memoryScratch());
  const [back] = (await shelf.take(await shelf.put(clipOf([renamed])))).frames;
  expect([back!.sequence, await back!.read()]).toEqual(['other', pixelsOf(5)]);
});

test('anything comes back equal: numbers in arrays of every kind, what JSON has no word for, names of all sorts', async () => {
  const shelf = itemShelf(memoryScratch());
  const values = fc.anything({
    withBigInt: true,
    withTypedArray: true,
    withDate: true,
    withMap: true,
    withSet: true,
    key: fc.oneof(fc.string(), fc.constantFrom('\0', '__proto__', 'toJSON', '1')),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(values), async (items) => {
      const shelved = [];
      for (const item of items) shelved.push(await shelf.put(item));
      for (const [index, item] of [...items.entries()].reverse())
        expect(await shelf.take(shelved[index]!)).toStrictEqual(item);
    }),
    { numRuns: 500 },
  );
});

test('numbers are copied: what comes back holds nothing else, and does not change with what was put there', async () => {
  const shelf = itemShelf(memoryScratch());
  const data = Float32Array.from({ length: 100 }, (_, index) => index);
  const shelved = await shelf.put({
    name: 'x',
    part: data.subarray(3, 10),
    all: data,
    view: new DataView(data.buffer),
  });
  data.fill(-1);
  const { part, all, view } = await shelf.take(shelved);
  expect([...part]).toEqual([3, 4, 5, 6, 7, 8, 9]);
  expect([part.buffer.byteLength, all.buffer.byteLength, all[50]]).toEqual([28, 400, 50]);
  // It is no array of numbers, and comes back as what it is.
  expect(view.buffer).toBe(data.buffer);
});

test('what reads a frame is the reader that was given, also where its record is a frame that had another', async () => {
  const other: Frame = { ...recordOf(9), read: () => Promise.reject(new Error('not this one')) };
  const frame = readableFrame(other, reader);
  expect(await frame.read()).toEqual(pixelsOf(9));
  expect(readerOf(frame)).toBe(reader);
});
