// Has pipelines done by workers of a queue while workers, their jobs and Redis are killed, and says what is left at the end.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startRedis } from '../../tools/redis.mjs';
import { childrenOf } from '../support/process-memory.mjs';
import { runCommand } from './command.mjs';
import { differences, digestsIn } from './result-files.mjs';
import { stagesBehindFrames } from '../support/common-stages.mjs';

const command = fileURLToPath(new URL('../../packages/cli/bin/deepearth.js', import.meta.url));

/** An encoder that takes a while, a reducer that needs all tokens, pictures and files of one. */
const pipeline = `name: queued
stages:
  - { id: frames, type: source/synthetic, with: { count: 96, width: 64, height: 64 } }
${stagesBehindFrames}`;
const shards = 5;
/** The shards, the fit, the placing of all shards but the one that fits, and the merge. */
const jobs = shards + 1 + (shards - 1) + 1;

/** `p.yaml place 2/5` is of the kind `place`, `p.yaml 2/5` a shard. */
const kindOf = (title) => /(fit|place|merge)/.exec(title)?.[0] ?? 'shard';

/**
 * Kills `count` times: a worker, the process of its job, or Redis (with its log on disk, so that it comes back with what it
 * knew). Each round has one output folder and up to five kills. Returns a line for each round: the kills, and what is wrong.
 */
export async function killWorkers({ count, random, tell = () => undefined }) {
  const folder = mkdtempSync(join(tmpdir(), 'queue-faults-'));
  const server = await startRedis({ persistent: true });
  const env = { DEEPEARTH_QUEUE: server.url };
  const rounds = [];
  try {
    writeFileSync(join(folder, 'p.yaml'), pipeline);
    const alone = await runCommand(['run', 'p.yaml', '--output', 'whole'], { cwd: folder });
    if (alone.status !== 0) throw new Error(`the pipeline does not run by itself: ${alone.stderr}`);
    const whole = digestsIn(join(folder, 'whole'));
    let killed = 0;
    for (let round = 0; killed < count; round++) {
      const name = `round-${round}`;
      const output = join(folder, name);
      const queue = (...args) => runCommand(['queue', ...args, '--name', name], { cwd: folder, env });
      const added = await queue('add', 'p.yaml', '--jobs', String(shards), '--output', output);
      if (added.status !== 0) throw new Error(`nothing was added: ${added.stderr}`);
      const workers = new Set();
      /** How often each job was started, and the kind of job that each worker took last. */
      const [started, atHand] = [new Map(), new Map()];
      const start = () => {
        const worker = spawn(
          process.execPath,
          [command, 'queue', 'work', '--json', '--name', name, '--lock-seconds', '1'],
          { cwd: folder, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'ignore'] },
        );
        createInterface({ input: worker.stdout }).on('line', (line) => {
          const { type, job, title } = JSON.parse(line);
          if (type !== 'started') return;
          started.set(job, (started.get(job) ?? 0) + 1);
          atHand.set(worker, kindOf(title));
        });
        workers.add(worker);
        worker.on('close', () => workers.delete(worker));
      };
      start();
      start();
      const kills = [];
      const seen = new Set();
      const stop = Date.now() + 600_000;
      for (;;) {
        const status = await queue('status', '--json');
        const counts = status.status === 0 ? JSON.parse(status.stdout).counts : {};
        if (counts.completed === jobs || counts.failed > 0 || Date.now() > stop) break;
        await pause(100 + random() * 700);
        for (const { pid } of workers) for (const child of childrenOf(pid)) seen.add(child);
        // Not each time, so that later jobs are met as often as early ones.
        if (kills.length === 5 || killed === count || random() < 0.6) continue;
        const [worker] = [...workers].sort(() => random() - 0.5);
        const [job] = worker ? childrenOf(worker.pid) : [];
        const what = random();
        if (what < 0.2) {
          kills.push('redis');
          await server.stop();
          await pause(random() * 500);
          await server.start();
        } else if (what < 0.55 && job !== undefined) {
          kills.push(`job (${atHand.get(worker) ?? 'none'})`);
          process.kill(job, 'SIGKILL');
        } else if (worker) {
          kills.push(`worker (${atHand.get(worker) ?? 'none'})`);
          worker.kill('SIGKILL');
          start();
        } else continue;
        killed++;
      }
      const { counts, failed } = JSON.parse((await queue('status', '--json')).stdout);
      for (const worker of workers) worker.kill('SIGTERM');
      while (workers.size > 0) await pause(50);
      const harm = [];
      // A job that is killed three times is set aside, as it should be: it is tried again.
      if (counts.failed > 0) {
        if (!failed.every(({ failures }) => failures.length >= 3))
          harm.push('a job was set aside before its third try');
        await queue('retry');
        const end = await queue('work', '--until-idle', '0');
        if (end.status !== 0) harm.push(`the worker after that ended with ${end.status}`);
      } else if (counts.completed !== jobs) harm.push(`${counts.completed} of ${jobs} jobs were done after 10 minutes`);
      await pause(500);
      for (const pid of seen)
        try {
          process.kill(pid, 0);
          harm.push(`process ${pid} of a job is still there`);
        } catch {
          // It has ended.
        }
      harm.push(...differences(whole, digestsIn(output)));
      const redone = [...started.values()].reduce((sum, times) => sum + times - 1, 0);
      // A kill costs the job that it meets; without Redis each of both workers loses the lock of its job.
      const allowed = kills.reduce((sum, kill) => sum + (kill === 'redis' ? 2 : 1), 0);
      if (redone > allowed) harm.push(`${redone} jobs were started again for ${kills.length} kills`);
      rounds.push({ kills, redone, harm });
      tell({ kills, redone, harm });
      if (harm.length === 0) rmSync(output, { recursive: true });
    }
    return { rounds, killed };
  } finally {
    await server.end();
    if (rounds.every(({ harm }) => harm.length === 0)) rmSync(folder, { recursive: true, force: true });
    else console.log(`see ${folder}`);
  }
}
