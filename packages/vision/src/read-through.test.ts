import { lendRaster, partOfRaster, releaseRaster, tensor, type Raster, type ReadOptions } from '@deepearth/core';
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { pixelCache } from './pixel-cache.ts';
import { readThrough } from './read-through.ts';

const raster: Raster = {
  values: tensor(
    'uint8',
    [4, 6, 1],
    Uint8Array.from({ length: 24 }, (_, i) => i * 7),
  ),
  channels: ['grey'],
};
const window = { x: 1, y: 2, width: 3, height: 2 };
const reader = (memoryBytes = 1000) =>
  readThrough(pixelCache({ memoryBytes, diskBytes: 0, path: () => Promise.reject(new Error('no disk')) }));
const later = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));
const loader = () =>
  vi.fn(async ({ signal, ...part }: ReadOptions) => {
    await later();
    signal?.throwIfAborted();
    return partOfRaster(raster, part);
  });

test.each([1000, 0])('those who want a frame at once load it once (memory of %d bytes)', async (memoryBytes) => {
  const read = reader(memoryBytes);
  const load = loader();
  const parts: ReadOptions[] = [{}, {}, { window }, { overview: 2 }, { window, overview: 2 }, {}];
  const found = await Promise.all(parts.map((part) => read('frame', load, part)));
  expect(found).toEqual(parts.map((part) => partOfRaster(raster, part)));
  expect(load).toHaveBeenCalledTimes(1);
  await read('frame', load);
  expect(load).toHaveBeenCalledTimes(memoryBytes ? 1 : 2);
});

test('a part that is not kept is loaded by itself and stands for nobody else', async () => {
  const read = reader();
  const load = loader();
  expect(await read('frame', load, { window })).toEqual(partOfRaster(raster, { window }));
  expect(await read('frame', load)).toEqual(raster);
  expect(await read('frame', load, { window })).toEqual(partOfRaster(raster, { window }));
  expect(load.mock.calls.map(([options]) => options)).toEqual([{ window }, {}]);
});

test('one who gives up does not take the frame from others', async () => {
  const read = reader();
  const load = loader();
  const stop = new AbortController();
  const [first, second] = [read('frame', load, { signal: stop.signal }), read('frame', load)];
  stop.abort(new Error('enough'));
  await expect(first).rejects.toThrow('enough');
  expect(await second).toEqual(raster);
  expect(load).toHaveBeenCalledTimes(2);
  await expect(read('frame', load, { signal: stop.signal })).rejects.toThrow('enough');
});

test('an error reaches all who wait, and the next one tries again', async () => {
  const read = reader();
  const load = vi.fn(async () => {
    await later();
    throw new Error('damaged');
  });
  const both = await Promise.allSettled([read('frame', load), read('frame', load)]);
  expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(load).toHaveBeenCalledTimes(1);
  expect(await read('frame', loader())).toEqual(raster);
});

/** A decoder that writes frames into memory that was given back, and how many arrays it has made. */
function lender() {
  const free: Uint8Array<ArrayBuffer>[] = [];
  const made = { arrays: 0 };
  const load = async (frame: number): Promise<Raster> => {
    await later();
    const data = free.pop() ?? (made.arrays++, new Uint8Array(24));
    data.fill(frame);
    return lendRaster({ values: tensor('uint8', [4, 6, 1], data), channels: ['grey'] }, () => free.push(data));
  };
  return { load, made };
}

test('memory that is used again is never that of a frame that somebody holds', async () => {
  const readings = fc.array(
    fc.record({
      frame: fc.nat(5),
      part: fc.constantFrom<ReadOptions>({}, {}, { window }),
      start: fc.nat(3),
      held: fc.nat(3),
      releases: fc.boolean(),
    }),
    { minLength: 1, maxLength: 25 },
  );
  await fc.assert(
    fc.asyncProperty(readings, fc.constantFrom(0, 24, 72), async (all, memoryBytes) => {
      const read = reader(memoryBytes);
      const { load } = lender();
      const wait = async (turns: number): Promise<void> => {
        for (let i = 0; i < turns; i++) await later();
      };
      await Promise.all(
        all.map(async ({ frame, part, start, held, releases }) => {
          await wait(start);
          const raster = await read(String(frame), async (options) => partOfRaster(await load(frame), options), part);
          await wait(held);
          expect(new Set(raster.values.data)).toEqual(new Set([frame]));
          if (releases) releaseRaster(raster);
        }),
      );
    }),
    { numRuns: 60 },
  );
});

test('where all release what they read, the memory of a few frames is enough for many', async () => {
  const read = reader(72);
  const { load, made } = lender();
  for (let frame = 0; frame < 50; frame++) {
    const both = [read(String(frame), () => load(frame)), read(String(frame), () => load(frame))];
    for (const raster of await Promise.all(both)) releaseRaster(raster);
  }
  expect(made.arrays).toBeLessThanOrEqual(4);
});
