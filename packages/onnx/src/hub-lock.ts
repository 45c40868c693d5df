// One process at a time for one download; others wait and then find it done.

import { mkdir, open, readFile, rm, stat, utimes } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

/** A lock is touched this often while it is held, and abandoned when it was not for six times as long. */
const heartbeatMilliseconds = 10_000;

/** Runs `work` while holding the lock file `path`; a lock whose process is gone is taken over. */
export async function withLock<T>(path: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  await mkdir(dirname(path), { recursive: true });
  for (;;) {
    signal?.throwIfAborted();
    try {
      const handle = await open(path, 'wx');
      await handle.writeFile(`${process.pid} ${hostname()}`).finally(() => handle.close());
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      if (await isAbandoned(path)) await rm(path, { force: true });
      else await pause(200, undefined, signal ? { signal } : {}).catch(() => signal?.throwIfAborted());
    }
  }
  const heartbeat = setInterval(
    () => void utimes(path, new Date(), new Date()).catch(() => undefined),
    heartbeatMilliseconds,
  ).unref();
  try {
    return await work();
  } finally {
    clearInterval(heartbeat);
    await rm(path, { force: true });
  }
}

async function isAbandoned(path: string): Promise<boolean> {
  const about = await stat(path).catch(() => undefined);
  if (!about) return false;
  if (Date.now() - about.mtimeMs > 6 * heartbeatMilliseconds) return true;
  const [pid, host] = (await readFile(path, 'utf8').catch(() => '')).split(' ');
  if (!pid || host !== hostname()) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}
