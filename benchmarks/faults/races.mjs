// Lets two processes start for one output folder at the same moment, again and again; says whether both ever got in.

import { fork } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { seededRandom } from '@deepearth/testing/random';
import { folderStore } from '@deepearth/runtime/folder-store';

const self = fileURLToPath(import.meta.url);
/** The lock of a run on this machine whose process is gone: no Linux process has this number. */
const deadLock = JSON.stringify({ pid: 2 ** 22 + 1, host: hostname(), token: 'dead' });

/** Takes the folder at a moment; holds it for a while, with a mark that only one can make. */
async function enter({ folder, at, holdMilliseconds }) {
  while (Date.now() < at);
  let lock;
  try {
    lock = await folderStore(folder).lock();
  } catch (error) {
    if (error.code !== 'E_OUTPUT_BUSY') throw error;
    return 'refused';
  }
  const mark = join(folder, 'inside');
  try {
    await (await open(mark, 'wx')).close();
  } catch {
    return 'both inside';
  }
  await pause(holdMilliseconds);
  await rm(mark);
  await lock.release();
  return 'inside';
}

if (process.argv[1] === self && process.send) {
  process.on('message', async (task) => process.send(await enter(task).catch((error) => `failed: ${error.stack}`)));
}

/**
 * Races two processes `times` times, every second time over the lock of a run that died. Returns how often what
 * happened.
 */
export async function raceForLocks({ times, random = seededRandom(1) }) {
  const folder = mkdtempSync(join(tmpdir(), 'races-'));
  const racers = [fork(self), fork(self)];
  const counts = {};
  try {
    for (let i = 0; i < times; i++) {
      const contested = join(folder, String(i));
      mkdirSync(join(contested, '.deepearth'), { recursive: true });
      if (i % 2) writeFileSync(join(contested, '.deepearth', 'lock.1'), deadLock);
      const at = Date.now() + 15;
      const ends = await Promise.all(
        racers.map(
          (racer, index) =>
            new Promise((resolve, reject) => {
              racer.once('message', resolve);
              racer.once('exit', () => reject(new Error('a racer ended')));
              // The second comes up to two milliseconds later.
              racer.send({
                folder: contested,
                at: at + (index ? Math.floor(random() * 3) : 0),
                holdMilliseconds: random() * 20,
              });
            }),
        ),
      );
      for (const racer of racers) racer.removeAllListeners('exit');
      const outcome = ends.sort().join(' + ');
      counts[outcome] = (counts[outcome] ?? 0) + 1;
      rmSync(contested, { recursive: true, force: true });
    }
  } finally {
    for (const racer of racers) racer.kill();
    rmSync(folder, { recursive: true, force: true });
  }
  return counts;
}
