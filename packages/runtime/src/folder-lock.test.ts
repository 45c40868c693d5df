import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { takeLock, type LockTimes } from './folder-lock.ts';
import { isRunning, ownHolder, type Holder } from './lock-holder.ts';

const times: LockTimes = { beatMilliseconds: 40, watchMilliseconds: 400 };
const own = ownHolder('own');
const elsewhere: Holder = { ...own, host: 'elsewhere', space: 'another boot pid:[1]', token: 'theirs' };
const gone = 2 ** 22 + 1;

let state = '';
beforeEach(async () => {
  state = await mkdtemp(join(tmpdir(), 'lock-'));
});
afterEach(() => rm(state, { recursive: true, force: true }));
const lockOf = (number: number, holder: object): Promise<void> =>
  writeFile(join(state, `lock.${number}`), JSON.stringify(holder));
const take = () => takeLock(state, 'folder', times);

describe('a lock', () => {
  test.each<[string, object]>([
    ['whose process is gone', { ...own, pid: gone }],
    ['whose number another process has by now', { ...own, start: '1' }],
    ['of a process on this machine that is gone, as older versions wrote it', { pid: gone, host: hostname() }],
  ])('%s is taken over at once', async (_, holder) => {
    await lockOf(3, holder);
    // A watch would outlast the test.
    const lock = await takeLock(state, 'folder', { ...times, watchMilliseconds: 1e9 });
    expect(await readdir(state)).toEqual(['lock.4']);
    await lock.release();
  });

  test('lets one of two in that start together, again and again', async () => {
    let [inside, most, taken] = [0, 0, 0];
    const enter = async (): Promise<void> => {
      const lock = await take().catch((error: { code?: string }) => {
        if (error.code !== 'E_OUTPUT_BUSY') throw error;
      });
      if (!lock) return;
      [inside, taken] = [inside + 1, taken + 1];
      most = Math.max(most, inside);
      await pause(1);
      inside -= 1;
      await lock.release();
    };
    for (let race = 0; race < 200; race++) {
      await mkdir(state, { recursive: true });
      if (race % 2) await lockOf(1, { ...own, pid: gone });
      await Promise.all([enter(), enter()]);
    }
    expect(most).toBe(1);
    expect(taken).toBeGreaterThanOrEqual(200);
  });

  test('of a container or machine that is gone is taken over once it was watched for a while', async () => {
    await lockOf(1, elsewhere);
    const began = performance.now();
    const lock = await take();
    expect(performance.now() - began).toBeGreaterThanOrEqual(times.watchMilliseconds);
    await lock.release();
  });

  test('of a container or machine that runs is respected, whatever its clock says', async () => {
    await lockOf(1, elsewhere);
    let seconds = 0;
    const beats = setInterval(() => void utimes(join(state, 'lock.1'), ++seconds, seconds), times.beatMilliseconds);
    try {
      await expect(take()).rejects.toThrow(/another run \(process \d+ on elsewhere\) is writing here/);
    } finally {
      clearInterval(beats);
    }
  });

  test('of this process is respected, and free when it is released', async () => {
    const lock = await take();
    await expect(take()).rejects.toThrow(/another run/);
    await lock.release();
    await (await takeLock(await mkdtemp(join(tmpdir(), 'lock-')), 'folder', times)).release();
  });

  test('that was taken away says so, and is not released by the one that lost it', async () => {
    const lock = await take();
    const [name] = await readdir(state);
    await writeFile(join(state, name!), JSON.stringify(elsewhere));
    await expect.poll(() => lock.lost!.aborted).toBe(true);
    expect((lock.lost!.reason as Error).message).toMatch(/another run has taken it for dead/);
    await lock.release();
    expect(JSON.parse(await readFile(join(state, name!), 'utf8'))).toMatchObject({ token: 'theirs' });
  });

  test('is not lost while it is held, however long', async () => {
    const lock = await take();
    await pause(6 * times.beatMilliseconds);
    expect(lock.lost!.aborted).toBe(false);
    await lock.release();
    await pause(3 * times.beatMilliseconds);
    expect(lock.lost!.aborted).toBe(false);
  });

  test.each<[string, readonly object[]]>([
    ['nothing', []],
    [
      'dead processes',
      [
        { ...own, pid: gone },
        { ...own, start: '1' },
      ],
    ],
    ['machines that are gone', [elsewhere]],
    ['half a lock', [{}]],
  ])('is taken by exactly one of many that start together and find %s', async (_, found) => {
    for (let round = 0; round < 8; round++) {
      await rm(state, { recursive: true, force: true });
      await mkdir(state);
      for (const [i, holder] of found.entries()) await lockOf(i + 1, holder);
      // A machine that stands still for longer than the watch would make all of them look dead.
      const quick: LockTimes = { beatMilliseconds: 20, watchMilliseconds: 500 };
      const starts = await Promise.allSettled(Array.from({ length: 6 }, () => takeLock(state, 'folder', quick)));
      const inside = starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []));
      expect(inside).toHaveLength(1);
      expect(await readdir(state)).toHaveLength(1);
      await inside[0]!.release();
    }
  });
});

test('a process runs where it says, with the start it says', () => {
  expect(isRunning(own, own)).toBe(true);
  expect(isRunning({ ...own, pid: gone }, own)).toBe(false);
  expect(isRunning(elsewhere, own)).toBeUndefined();
});
