import { afterEach, expect, test, vi } from 'vitest';
import { elementBytes, elementCount, tensor, viewAs, type Raster } from '@deepearth/core';
import fc from 'fast-check';
import { cacheBytesFor } from './cache-options.ts';
import { pixelCache } from './pixel-cache.ts';
import { sizeOf } from './spill-file.ts';

/** A disk on which every step takes as long as the schedule says, and moves a part of what it was asked to. */
const disk = vi.hoisted(() => ({
  step: (): Promise<void> => Promise.resolve(),
  /** Bytes that there is room for. */
  room: Infinity,
  files: new Set<string>(),
  handles: 0,
}));

vi.mock('node:fs/promises', async (original) => ({
  ...(await original<object>()),
  async open(name: string) {
    await disk.step();
    const bytes = new Uint8Array(4096);
    let open = true;
    disk.files.add(name);
    disk.handles++;
    const begin = async (): Promise<void> => {
      await disk.step();
      if (!open) throw Object.assign(new Error('bad file descriptor'), { code: 'EBADF' });
    };
    return {
      async write(from: Uint8Array, offset: number, length: number, at: number) {
        await begin();
        if (at >= disk.room) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
        const bytesWritten = Math.min(Math.ceil(length / 2), disk.room - at);
        bytes.set(from.subarray(offset, offset + bytesWritten), at);
        return { bytesWritten };
      },
      async read(into: Uint8Array, offset: number, length: number, at: number) {
        await begin();
        const bytesRead = Math.ceil(length / 2);
        into.set(bytes.subarray(at, at + bytesRead), offset);
        return { bytesRead };
      },
      async close() {
        await begin();
        open = false;
        disk.handles--;
      },
    };
  },
  async rm(name: string) {
    await disk.step();
    disk.files.delete(name);
  },
}));

afterEach(() => {
  disk.step = () => Promise.resolve();
  disk.room = Infinity;
});

const shapes = [
  ['uint8', [2, 3, 3], false],
  ['uint16', [2, 2, 3], true],
  ['float32', [3, 3, 1], true],
  ['uint8', [5, 4, 3], false],
  ['int16', [1, 5, 3], false],
  ['uint8', [7, 7, 3], true],
] as const;
const keys = shapes.map((_, key) => key);

/** The pixels of a key, no byte of them like that of another. */
function pixelsOf(key: number): Raster {
  const [dtype, shape, masked] = shapes[key]!;
  const fill = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => 40 * key + (i % 40));
  const values = tensor(dtype, shape, viewAs(dtype, fill(elementCount(shape) * elementBytes(dtype))));
  const channels = shape[2] === 1 ? ['grey'] : ['red', 'green', 'blue'];
  return { values, channels, ...(masked && { valid: fill(shape[0] * shape[1]) }) };
}
const sizes = keys.map((key) => sizeOf(pixelsOf(key)));
const total = sizes.reduce((sum, size) => sum + size);

const calls = fc.array(
  fc.record({
    call: fc.oneof(
      { weight: 40, arbitrary: fc.constantFrom('get' as const, 'set' as const) },
      { weight: 1, arbitrary: fc.constant('close' as const) },
    ),
    key: fc.constantFrom(...keys),
    /** How far the disk gets before the next call. */
    steps: fc.nat(6),
  }),
  { maxLength: 40, size: 'max' },
);
const bytes = fc.oneof(fc.constant(0), fc.nat(total));

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('finds nothing or the pixels of the key, however calls overlap, and keeps no more than it may', async () => {
  const found = { memory: 0, disk: 0, nothing: 0 };
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      calls,
      bytes,
      bytes,
      fc.oneof({ weight: 3, arbitrary: fc.constant(Infinity) }, { weight: 1, arbitrary: fc.nat(total) }),
      async (schedule, all, memoryBytes, diskBytes, room) => {
        disk.step = () => schedule.schedule(Promise.resolve());
        disk.room = room;
        const cache = pixelCache({ memoryBytes, diskBytes, path: async () => (await disk.step(), 'spilled') });
        const known = new Set<number>();
        const given = new Set<Raster>();
        const pending: Promise<unknown>[] = [];
        let closed = false;
        for (const { call, key, steps } of all) {
          if (call === 'set') {
            known.add(key);
            const raster = pixelsOf(key);
            given.add(raster);
            pending.push(cache.set(String(key), raster));
          } else if (call === 'close') {
            closed = true;
            pending.push(cache.close());
          } else {
            const had = cache.has(String(key));
            const asked = known.has(key);
            pending.push(
              cache.get(String(key)).then((raster) => {
                if (raster) expect(raster).toEqual(pixelsOf(key));
                if (!asked || !had) expect(raster).toBeUndefined();
                found[!raster ? 'nothing' : given.has(raster) ? 'memory' : 'disk']++;
              }),
            );
          }
          await turn();
          const held = keys.filter((one) => cache.has(String(one)));
          expect(held.reduce((sum, one) => sum + sizes[one]!, 0)).toBeLessThanOrEqual(memoryBytes + diskBytes);
          if (closed) expect(held).toEqual([]);
          for (let step = 0; step < steps && schedule.count() > 0; step++) {
            await schedule.waitOne();
            await turn();
          }
        }
        await schedule.waitFor(Promise.all([...pending, cache.close()]));
        expect(await Promise.all(keys.map((key) => cache.get(String(key))))).toEqual(keys.map(() => undefined));
        expect([disk.handles, [...disk.files]]).toEqual([0, []]);
      },
    ),
    { numRuns: 1500 },
  );
  // The cases that the law is about did come up.
  expect(Math.min(...Object.values(found))).toBeGreaterThan(100);
}, 120_000);

test('keeps everything that there is room for, however calls overlap', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      fc.array(fc.constantFrom(...keys), { maxLength: 20 }),
      bytes,
      async (schedule, set, memoryBytes) => {
        disk.step = () => schedule.schedule(Promise.resolve());
        const cache = pixelCache({ memoryBytes, diskBytes: total, path: () => Promise.resolve('spilled') });
        await schedule.waitFor(Promise.all(set.map((key) => cache.set(String(key), pixelsOf(key)))));
        for (const key of keys) {
          expect(cache.has(String(key))).toBe(set.includes(key));
          expect(await schedule.waitFor(cache.get(String(key)))).toEqual(set.includes(key) ? pixelsOf(key) : undefined);
        }
        await schedule.waitFor(cache.close());
      },
    ),
    { numRuns: 300 },
  );
});

test('holds no more in memory than it may while the disk stands still', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom(...keys), { maxLength: 20 }), bytes, async (set, memoryBytes) => {
      disk.step = () => new Promise(() => undefined);
      const cache = pixelCache({ memoryBytes, diskBytes: total, path: () => Promise.resolve('spilled') });
      for (const key of set) {
        void cache.set(String(key), pixelsOf(key));
        await turn();
        const held = keys.filter((one) => cache.has(String(one)));
        expect(held.reduce((sum, one) => sum + sizes[one]!, 0)).toBeLessThanOrEqual(memoryBytes);
      }
    }),
    { numRuns: 100 },
  );
});

test('what was used longest ago leaves first', async () => {
  const cache = pixelCache({
    memoryBytes: sizes[0]! + sizes[4]!,
    diskBytes: 0,
    path: () => Promise.reject(new Error()),
  });
  await cache.set('0', pixelsOf(0));
  await cache.set('1', pixelsOf(1));
  await cache.get('0');
  await cache.set('4', pixelsOf(4));
  expect(keys.filter((key) => cache.has(String(key)))).toEqual([0, 4]);
});

test('a fault of the disk other than being full is thrown by the call that meets it, and by no other', async () => {
  const path = vi.fn(() => Promise.reject(Object.assign(new Error('input/output error'), { code: 'EIO' })));
  const cache = pixelCache({ memoryBytes: sizes[5]!, diskBytes: total, path });
  await cache.set('5', pixelsOf(5));
  await expect(cache.set('3', pixelsOf(3))).rejects.toThrow('input/output error');
  expect(await cache.get('5')).toEqual(pixelsOf(5));
  expect(await cache.get('3')).toBeUndefined();
  await cache.close();
});

test('goes to the file only once something that left memory is asked for, where nothing is read later', async () => {
  let opened = 0;
  const cache = pixelCache({
    memoryBytes: sizes[0]!,
    diskBytes: total,
    readLater: false,
    path: () => Promise.resolve(`spilled-${++opened}`),
  });
  const [one, two, three] = ['one', 'two', 'three'];
  for (const key of [one, two, three]) await cache.set(key, pixelsOf(0));
  expect([cache.has(one), cache.has(two), cache.has(three), opened]).toEqual([false, false, true, 0]);
  expect(await cache.get('never set')).toBeUndefined();
  await cache.set(one, pixelsOf(0));
  expect([cache.has(three), opened]).toEqual([false, 0]);
  expect(await cache.get(three)).toBeUndefined();
  for (const key of [two, three]) await cache.set(key, pixelsOf(0));
  expect(opened).toBe(1);
  for (const key of [one, two, three]) expect(await cache.get(key)).toEqual(pixelsOf(0));
  await cache.close();
});

test('keeps 64 MiB where nobody says how many, of large pictures more, and never more than 256 MiB', () => {
  const mebi = 2 ** 20;
  expect([0, 1, mebi, 6 * mebi, 2 ** 40].map((size) => cacheBytesFor(undefined, size) / mebi)).toEqual([
    64, 64, 64, 240, 256,
  ]);
  expect(cacheBytesFor(0, 6 * mebi)).toBe(0);
});
