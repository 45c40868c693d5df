import { expect, test, vi } from 'vitest';
import { ownRoom, type Room } from './buffer-pool.ts';
import { decodeChunk } from './decode-threads.ts';

const threads = vi.hoisted(() => ({ started: 0 }));
vi.mock('node:worker_threads', async (original) => {
  const real = await original<typeof import('node:worker_threads')>();
  return {
    ...real,
    Worker: class extends real.Worker {
      constructor(...given: ConstructorParameters<typeof real.Worker>) {
        super(...given);
        threads.started++;
      }
    },
  };
});

const sharedRoom: Room = (bytes) => new Uint8Array(new SharedArrayBuffer(bytes));
const shared = (bytes: Uint8Array): Uint8Array => {
  const out = sharedRoom(bytes.length);
  out.set(bytes);
  return out;
};
const content = (seed: number, length = 1000): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * 37 + seed) % 251);

/** An LZ4 block that is literals alone. */
const lz4 = (literals: Uint8Array): Uint8Array => {
  const more = literals.length - 15;
  return Uint8Array.from([0xf0, ...new Array<number>(Math.floor(more / 255)).fill(255), more % 255, ...literals]);
};

/** A Blosc frame whose content is stored as it is. */
const blosc = (bytes: Uint8Array): Uint8Array => {
  const out = new Uint8Array(16 + bytes.length);
  out.set([2, 1, 2, 1]);
  const view = new DataView(out.buffer);
  [bytes.length, bytes.length, out.length].forEach((value, i) => view.setUint32(4 + 4 * i, value, true));
  out.set(bytes, 16);
  return out;
};

const much = 2 ** 25;

test('the first chunks are decoded at once, and what does not lie in shared memory always is', async () => {
  expect(await decodeChunk('lz4', shared(lz4(content(1))), 1000, sharedRoom)).toEqual(content(1));
  expect(await decodeChunk('lz4', shared(lz4(content(5))), much, sharedRoom)).toEqual(content(5));
  expect(await decodeChunk('lz4', lz4(content(2)), much, sharedRoom)).toEqual(content(2));
  expect(await decodeChunk('lz4', shared(lz4(content(3))), 1000, ownRoom)).toEqual(content(3));
  expect(threads.started).toBe(0);
});

test('many chunks at once come out of threads as they would otherwise, each in its own memory', async () => {
  const seeds = Array.from({ length: 40 }, (_, i) => i);
  const found = await Promise.all(
    seeds.map((seed) =>
      seed % 2
        ? decodeChunk('blosc', shared(blosc(content(seed))), 1000 + seed, sharedRoom)
        : decodeChunk('lz4', shared(lz4(content(seed))), 1000 + seed, sharedRoom),
    ),
  );
  expect(threads.started).toBeGreaterThan(0);
  for (const seed of seeds) expect(found[seed]).toEqual(content(seed));
});

test('memory that is not shared is decoded into at once, and is as long as what came out', async () => {
  const started = threads.started;
  expect(await decodeChunk('lz4', shared(lz4(content(6))), 1200, ownRoom)).toEqual(content(6));
  expect(threads.started).toBe(started);
});

test('a chunk out of many that were read in one go is taken from there', async () => {
  const stored = lz4(content(9));
  const all = sharedRoom(100 * stored.length);
  all.set(stored, 50 * stored.length);
  const part = all.subarray(50 * stored.length, 51 * stored.length);
  expect(await decodeChunk('lz4', part, 1000, sharedRoom)).toEqual(content(9));
});

test('damage in a thread is a RangeError, and the thread goes on', async () => {
  const started = threads.started;
  const bad = [
    decodeChunk('lz4', shared(lz4(content(1)).subarray(0, 500)), 1000, sharedRoom),
    decodeChunk('zstd', shared(content(1)), 1000, sharedRoom),
    decodeChunk('blosc', shared(blosc(content(1)).subarray(0, 500)), 1000, sharedRoom),
    decodeChunk('blosc', shared(blosc(content(1))), 999, sharedRoom),
  ];
  for (const one of await Promise.allSettled(bad))
    expect(one).toMatchObject({ status: 'rejected', reason: expect.any(RangeError) as unknown });
  expect(await decodeChunk('lz4', shared(lz4(content(4))), 1000, sharedRoom)).toEqual(content(4));
  expect(threads.started).toBe(started);
});
