// The lock of an output folder: one run at a time, taken over from a run that died by exactly one other.

import { randomBytes } from 'node:crypto';
import { open, readdir, readFile, rm, rmdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { InputError } from '@deepearth/core/errors';
import type { StoreLock } from '@deepearth/core/store';

interface Holder {
  readonly pid: number;
  readonly host: string;
}

const pattern = /^lock\.(\d+)$/;
const tries = 8;

/**
 * Takes the lock of a state folder. A lock is a file `lock.N`, and only one maker of a name succeeds. A run that finds
 * locks of dead runs makes the next number: of two that find the same ones, one succeeds. It then looks again: whoever
 * sees another living lock beside its own steps back and waits a moment, since both may have looked too early. Throws an
 * `InputError` while another run holds it.
 */
export async function takeLock(state: string, folder: string): Promise<StoreLock> {
  const jitter = randomBytes(tries);
  const mine: Holder = { pid: process.pid, host: hostname() };
  let living: Lock | undefined;
  for (let attempt = 0; attempt < tries; attempt++) {
    const found = await locks(state);
    living = found.find(({ alive }) => alive);
    if (living) break;
    const path = join(state, `lock.${Math.max(0, ...found.map(({ number }) => number)) + 1}`);
    if (await create(path, mine)) {
      const others = (await locks(state)).filter((lock) => lock.path !== path);
      living = others.find(({ alive }) => alive);
      if (!living) {
        await Promise.all(others.map((lock) => rm(lock.path, { force: true })));
        return { release: () => release(path, state) };
      }
      await rm(path, { force: true });
    }
    await pause(1 + (jitter[attempt]! % 32));
  }
  const { pid, host } = living?.holder ?? mine;
  throw new InputError(folder, `another run (process ${pid} on ${host}) is writing here.`, {
    code: 'E_OUTPUT_BUSY',
    remedy: `Wait for it, choose another output folder, or delete ${living?.path ?? state} if that process is gone.`,
  });
}

async function release(path: string, state: string): Promise<void> {
  await rm(path, { force: true });
  // The folder goes when nothing else lies in it, which is so when the run ended well.
  await rmdir(state).catch(() => undefined);
}

interface Lock {
  readonly path: string;
  readonly number: number;
  readonly holder: Holder | undefined;
  readonly alive: boolean;
}

async function locks(state: string): Promise<Lock[]> {
  const found: Lock[] = [];
  for (const name of await readdir(state)) {
    const number = pattern.exec(name)?.[1];
    if (number === undefined) continue;
    const path = join(state, name);
    let holder = await readHolder(path);
    if (!holder) {
      // Its maker may be about to write into it; a maker that died in the middle never will.
      await pause(20);
      holder = await readHolder(path);
    }
    const alive = holder !== undefined && (holder.host !== hostname() || isAlive(holder.pid));
    found.push({ path, number: Number(number), holder, alive });
  }
  return found;
}

const readHolder = (path: string): Promise<Holder | undefined> =>
  readFile(path, 'utf8')
    .then((text) => JSON.parse(text) as Holder)
    .catch(() => undefined);

async function create(path: string, holder: Holder): Promise<boolean> {
  try {
    const file = await open(path, 'wx');
    await file.writeFile(JSON.stringify(holder)).finally(() => file.close());
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return false;
  }
}

function isAlive(pid: number): boolean {
  if (pid === process.pid) return true;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
