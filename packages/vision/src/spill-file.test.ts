import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, stat, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { holdRaster, releaseRaster, tensor, type Raster } from '@deepearth/core';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { spillFile } from './spill-file.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spill-'));
});
afterEach(() => rm(folder, { recursive: true }));

const line = (length: number, value: number): Raster => ({
  values: tensor('uint8', [1, length, 1], new Uint8Array(length).fill(value)),
  channels: ['grey'],
});

test('writes over the oldest when it is full, whatever their sizes', async () => {
  const path = join(folder, 'pixels');
  const file = spillFile(100, () => Promise.resolve(path));
  const kept: [length: number, value: number][] = [];
  for (let value = 1; value <= 200; value++) {
    const length = 1 + ((value * 37) % 60);
    await file.write(String(value), line(length, value));
    kept.push([length, value]);
    const there = kept.filter(([, one]) => file.has(String(one)));
    // The newest are there, without a gap.
    expect(there).toEqual(kept.slice(-there.length));
    expect(there.reduce((sum, [size]) => sum + size, 0)).toBeLessThanOrEqual(100);
    for (const [size, one] of there) expect(await file.read(String(one))).toEqual(line(size, one));
  }
  expect((await stat(path)).size).toBeLessThanOrEqual(100);
  await file.close();
  expect(await readdir(folder)).toEqual([]);
});

test('reads a large raster into the memory of one that nobody holds any more, and of no other', async () => {
  const file = spillFile(2 ** 24, () => Promise.resolve(join(folder, 'pixels')));
  const large = 2 ** 20;
  for (const value of [1, 2, 3]) await file.write(String(value), line(large, value));
  const [first, second] = [(await file.read('1'))!, (await file.read('2'))!];
  holdRaster(first);
  holdRaster(second);
  releaseRaster(first);
  const third = (await file.read('3'))!;
  expect(third).toEqual(line(large, 3));
  expect(third.values.data.buffer).toBe(first.values.data.buffer);
  expect(second).toEqual(line(large, 2));
  await file.close();
});

test('makes no file for what has no room in it', async () => {
  const file = spillFile(10, () => Promise.resolve(join(folder, 'pixels')));
  await file.write('large', line(11, 1));
  expect(file.has('large')).toBe(false);
  expect(await readdir(folder)).toEqual([]);
  await file.close();
});

const full = existsSync('/dev/full');
test.skipIf(!full)(`keeps nothing on a full disk${full ? '' : ' (skipped: there is no /dev/full)'}`, async () => {
  const path = join(folder, 'pixels');
  await symlink('/dev/full', path);
  const file = spillFile(100, () => Promise.resolve(path));
  for (const key of ['a', 'b', 'a']) await file.write(key, line(20, 1));
  expect(file.has('a') || file.has('b')).toBe(false);
  expect(await file.read('a')).toBeUndefined();
  await file.close();
  expect(existsSync('/dev/full')).toBe(true);
});

test.each(['ENOSPC', 'EDQUOT', 'E_DISK_FULL'])('no room for the folder of the file is no fault (%s)', async (code) => {
  const file = spillFile(100, () => Promise.reject(Object.assign(new Error('full'), { code })));
  await file.write('a', line(20, 1));
  expect(file.has('a')).toBe(false);
  await file.close();
});
