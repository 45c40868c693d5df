// The lock of an output folder: one run at a time, taken over from a run that died by exactly one other.

import { randomBytes } from 'node:crypto';
import { readFileSync, rmdirSync, rmSync } from 'node:fs';
import { readdir, readFile, rm, rmdir, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { InputError } from '@deepearth/core/errors';
import { makeFolder } from '@deepearth/core/regular-file';
import type { StoreLock } from '@deepearth/core/store';
import { createOnce } from './create-once.ts';
import { isRunning, ownHolder, type Holder } from './lock-holder.ts';

/** How a lock shows that its holder lives, and how long others watch one whose process they cannot see. */
export interface LockTimes {
  readonly beatMilliseconds: number;
  readonly watchMilliseconds: number;
}

const usual: LockTimes = { beatMilliseconds: 2000, watchMilliseconds: 15_000 };
const pattern = /^lock\.(\d+)$/;
const tries = 8;

/**
 * Takes the lock of a state folder. A lock is a file `lock.N`, and only one maker of a name succeeds. A run that finds
 * locks of dead runs makes the next number: of two that find the same ones, one succeeds. It then looks again: whoever
 * sees another living lock beside its own steps back and waits a moment, since both may have looked too early.
 *
 * A holder on this machine is dead when its process is. One on another machine or in another container is dead when its
 * lock, which it touches every two seconds, is not touched while it is watched; clocks are not compared. Throws an
 * `InputError` while another run holds it.
 */
export async function takeLock(state: string, folder: string, times: LockTimes = usual): Promise<StoreLock> {
  const jitter = randomBytes(tries);
  const mine = ownHolder(randomBytes(8).toString('hex'));
  let living: Lock | undefined;
  for (let attempt = 0; attempt < tries; attempt++) {
    // A run that ends removes the folder with its lock, even between two steps of this one.
    await makeFolder(state);
    const found = await locks(state);
    living = await firstAlive(found, mine, times);
    if (living) break;
    const path = join(state, `lock.${Math.max(0, ...found.map(({ number }) => number)) + 1}`);
    if (await create(path, mine)) {
      const others = (await locks(state)).filter((lock) => lock.path !== path);
      // Those that were watched are known to be dead; a new one is of somebody who looked at the same time.
      const known = new Set(found.map((lock) => lock.path));
      living = await firstAlive(
        others.filter((lock) => !known.has(lock.path)),
        mine,
        { ...times, watchMilliseconds: 0 },
      );
      if (!living) {
        const left = (await namesIn(state)).filter((name) => name.startsWith('taking.'));
        await Promise.all(
          [...others.map((lock) => lock.path), ...left.map((name) => join(state, name))].map((path) =>
            rm(path, { force: true }),
          ),
        );
        return held(path, state, mine, times);
      }
      await rm(path, { force: true });
    }
    await pause(1 + (jitter[attempt]! % 32));
  }
  const { pid, host } = living?.holder ?? mine;
  throw new InputError(folder, `another run (process ${pid} on ${host}) is writing here.`, {
    code: 'E_OUTPUT_BUSY',
    remedy: 'Wait for it, stop it, or choose another output folder.',
  });
}

/** Whether a living run holds the lock of a state folder; nothing is changed. */
export const isLocked = async (state: string, times: LockTimes = usual): Promise<boolean> =>
  (await firstAlive(await locks(state), ownHolder(''), times)) !== undefined;

function held(path: string, state: string, mine: Holder, { beatMilliseconds }: LockTimes): StoreLock {
  const lost = new AbortController();
  const beat = async (): Promise<void> => {
    try {
      const now = new Date();
      await utimes(path, now, now);
      if ((await readHolder(path))?.token === mine.token) return;
    } catch (error) {
      // A file system that is away for a moment is no loss.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return;
    }
    clearInterval(timer);
    lost.abort(
      new InputError(path, 'the lock of this run is gone: another run has taken it for dead.', {
        code: 'E_LOCK_LOST',
        remedy: 'Let one run at a time write here, and run again with --resume.',
      }),
    );
  };
  const timer = setInterval(() => void beat(), beatMilliseconds);
  timer.unref();
  const forget = freedAtExit(() => {
    if ((JSON.parse(readFileSync(path, 'utf8')) as Holder).token === mine.token) rmSync(path, { force: true });
    rmdirSync(state);
  });
  return {
    lost: lost.signal,
    async release() {
      forget();
      clearInterval(timer);
      if ((await readHolder(path))?.token === mine.token) await rm(path, { force: true });
      // The folder goes when nothing else lies in it, which is so when the run ended well.
      await rmdir(state).catch(() => undefined);
    },
  };
}

const atExit = new Set<() => void>();
const freeAll = (): void => {
  for (const free of atExit)
    try {
      free();
    } catch {
      // It is gone already, or the folder holds what a later run goes on from.
    }
};

/** Frees a lock when the process ends before its run does (`process.exit` of a plugin). Returns how to forget it. */
function freedAtExit(free: () => void): () => void {
  if (atExit.size === 0) process.on('exit', freeAll);
  atExit.add(free);
  return () => {
    atExit.delete(free);
    if (atExit.size === 0) process.off('exit', freeAll);
  };
}

interface Lock {
  readonly path: string;
  readonly number: number;
  readonly holder: Holder | undefined;
}

const namesIn = (state: string): Promise<string[]> =>
  readdir(state).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });

async function locks(state: string): Promise<Lock[]> {
  const found: Lock[] = [];
  for (const name of await namesIn(state)) {
    const number = pattern.exec(name)?.[1];
    if (number === undefined) continue;
    const path = join(state, name);
    found.push({ path, number: Number(number), holder: await readHolder(path) });
  }
  return found;
}

/**
 * The first lock whose holder lives. Those whose process cannot be seen are watched, all of them at once, and so is
 * half a lock: its maker may be about to write into it, or have died in the middle.
 */
async function firstAlive(
  found: readonly Lock[],
  mine: Holder,
  { watchMilliseconds, beatMilliseconds }: LockTimes,
): Promise<Lock | undefined> {
  const unseen: Lock[] = [];
  for (const lock of found) {
    const running = lock.holder && isRunning(lock.holder, mine);
    if (running) return lock;
    if (running === undefined) unseen.push(lock);
  }
  if (unseen.length === 0) return undefined;
  if (watchMilliseconds === 0) return unseen[0];
  const touched = (lock: Lock): Promise<number | undefined> =>
    stat(lock.path).then(
      ({ mtimeMs }) => mtimeMs,
      () => undefined,
    );
  const before = await Promise.all(unseen.map(touched));
  const until = performance.now() + watchMilliseconds;
  while (performance.now() < until) {
    await pause(beatMilliseconds / 4);
    const now = await Promise.all(unseen.map(touched));
    const alive = unseen.find((_, i) => now[i] !== undefined && now[i] !== before[i]);
    if (alive) return alive;
    if (now.every((time) => time === undefined)) return undefined;
  }
  return undefined;
}

const readHolder = (path: string): Promise<Holder | undefined> =>
  readFile(path, 'utf8')
    .then((text) => JSON.parse(text) as Holder)
    .catch(() => undefined);

/**
 * Makes a lock that is whole from its first moment; returns false where the name is taken, or another run took the
 * folder and cleared away what killed runs had left.
 */
const create = (path: string, holder: Holder): Promise<boolean> =>
  createOnce(path, JSON.stringify(holder), join(dirname(path), `taking.${holder.token}`)).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false;
      throw error;
    },
  );
