import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { jsonPieces } from '@deepearth/core/json-pieces';
import { memoryStore } from '@deepearth/core/memory-store';
import type { RunStore } from '@deepearth/core/store';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { folderStore } from './folder-store.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'folder-store-test-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const text = async (store: RunStore, path: string): Promise<string | undefined> => {
  const file = await store.get(path);
  if (!file) return undefined;
  const bytes = await file.read(0, file.size);
  const found = new TextDecoder().decode(bytes);
  await file.close();
  return found;
};
const bytes = (value: string): Uint8Array => new TextEncoder().encode(value);
const paths = async (store: RunStore, prefix?: string): Promise<string[]> => {
  const found: string[] = [];
  for await (const { path } of store.list(prefix)) found.push(path);
  return found;
};

describe.each([
  ['a folder', () => folderStore(folder)],
  ['memory', () => memoryStore()],
])('a store in %s', (_, open) => {
  test('gives back what was put, with its size and digest, and lists it in order', async () => {
    const store = open();
    const lock = await store.lock();
    expect(await store.put('b/two.txt', bytes('two'))).toEqual({ bytes: 3, sha256: digest(bytes('two')) });
    await store.put('a.txt', bytes('one'));
    await store.put('a.txt', bytes('one again'));
    expect(await text(store, 'a.txt')).toBe('one again');
    expect(await text(store, 'nothing.txt')).toBeUndefined();
    expect(await paths(store)).toEqual(['a.txt', 'b/two.txt']);
    expect(await paths(store, 'b/')).toEqual(['b/two.txt']);
    await store.remove('a.txt');
    await store.remove('a.txt');
    expect(await paths(store)).toEqual(['b/two.txt']);
    await lock.release();
  });

  test('shows nothing of a file that is written over time before it is committed, and nothing of one let go', async () => {
    const store = open();
    const lock = await store.lock();
    const [kept, dropped] = [await store.writer('kept.gif'), await store.writer('dropped.gif')];
    for (const part of ['GIF', '89', 'a']) await kept.append(bytes(part));
    await dropped.append(bytes('half'));
    expect(await paths(store)).toEqual([]);
    expect(await kept.commit()).toEqual({ bytes: 6, sha256: digest(bytes('GIF89a')) });
    await dropped.discard();
    await kept.discard();
    expect(await paths(store)).toEqual(['kept.gif']);
    await store.settle(false);
    await lock.release();
  });

  test('takes pieces of any size from a buffer that is used again', async () => {
    const store = open();
    const lock = await store.lock();
    const reused = new Uint8Array(300_000);
    const whole: number[] = [];
    const pieces = async function* (): AsyncGenerator<Uint8Array> {
      for (const [index, size] of [1, 0, 5, 262_143, 3, 262_144, 300_000, 7, 200_000, 100_000, 1].entries()) {
        reused.fill(index + 1, 0, size);
        for (let i = 0; i < size; i++) whole.push(index + 1);
        yield reused.subarray(0, size);
      }
    };
    const stored = await store.put('pieces.bin', pieces());
    expect(stored).toEqual({ bytes: whole.length, sha256: digest(Uint8Array.from(whole)) });
    expect((await store.put('empty.bin', (async function* () {})())).bytes).toBe(0);
    await lock.release();
  });

  test('leaves no trace of a file whose content fails half-way', async () => {
    const store = open();
    const lock = await store.lock();
    const broken = async function* (): AsyncGenerator<Uint8Array> {
      yield bytes('half');
      throw new Error('no more');
    };
    await expect(store.put('a.txt', broken())).rejects.toThrow('no more');
    expect(await paths(store)).toEqual([]);
    await lock.release();
  });

  test('keeps scratch bytes by their place', async () => {
    const store = open();
    const lock = await store.lock();
    const scratch = await store.scratch('stage/name');
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ minLength: 1, maxLength: 50 }), { maxLength: 8 }), async (parts) => {
        await scratch.clear();
        const places: number[] = [];
        for (const part of parts) places.push(await scratch.append(part));
        const whole = Buffer.concat(parts);
        expect(scratch.length).toBe(whole.length);
        for (const [index, part] of parts.entries())
          expect(Buffer.from(await scratch.read(places[index]!, part.length))).toEqual(Buffer.from(part));
        if (whole.length > 2)
          expect(Buffer.from(await scratch.read(1, whole.length - 2))).toEqual(whole.subarray(1, -1));
      }),
      { numRuns: 30 },
    );
    await scratch.close();
    await store.settle(false);
    await lock.release();
  });

  test('lets one run in at a time', async () => {
    const store = open();
    const lock = await store.lock();
    await expect(store.lock()).rejects.toThrow('another run');
    await lock.release();
    await (await store.lock()).release();
  });
});

test('a folder of which a run ended well holds nothing but what was put', async () => {
  const store = folderStore(folder);
  const lock = await store.lock();
  await store.put('a.txt', bytes('a'));
  await store.appendJournal('{}');
  await (await store.scratch('x')).append(bytes('scratch'));
  await store.settle(false);
  await lock.release();
  expect(await readdir(folder)).toEqual(['a.txt']);
});

test('a stale lock is taken over by exactly one of many that start together', async () => {
  const state = join(folder, '.deepearth');
  for (let round = 0; round < 15; round++) {
    await mkdir(state, { recursive: true });
    // Of a process that is gone, which left a lock that it was about to take, too.
    const gone = JSON.stringify({ pid: 2 ** 22 + 1, host: hostname() });
    await writeFile(join(state, 'lock.3'), gone);
    await writeFile(join(state, 'taking.4'), gone);
    const starts = await Promise.allSettled(Array.from({ length: 6 }, () => folderStore(folder).lock()));
    const inside = starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []));
    expect(inside).toHaveLength(1);
    await inside[0]!.release();
    expect((await readdir(state)).filter((name) => /lock|taking/.test(name))).toEqual([]);
  }
});

test('a manifest reads as if it had been written at once', async () => {
  const manifest = {
    format: 1,
    none: undefined,
    name: 'a "b"\n',
    empty: [],
    nothing: null,
    deep: { a: [1, { b: [] }], c: {} },
    list: [1, 'x', null, { y: [2, 3] }, [[]]],
  };
  const store = folderStore(folder);
  const lock = await store.lock();
  await store.put('manifest.json', jsonPieces(manifest));
  expect(await readFile(join(folder, 'manifest.json'), 'utf8')).toBe(`${JSON.stringify(manifest, null, 1)}\n`);
  await lock.release();
});
