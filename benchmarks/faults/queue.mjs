// Has pipelines done by workers of a queue while every process that takes part is killed at every kind of job, and says
// what is left at the end.

import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { seededRandom } from '@deepearth/testing/random';
import { startRedis } from '../../tools/redis.mjs';
import { stagesBehindFrames } from '../support/common-stages.mjs';
import { runCommand } from './command.mjs';
import { leftBehind } from './kills.mjs';
import { queueWorkers } from './queue-workers.mjs';
import { differences, digestsIn } from './result-files.mjs';

/** An encoder that takes a while, a reducer that needs all tokens, pictures and files of one. */
const pipeline = `name: queued
stages:
  - { id: frames, type: source/synthetic, with: { count: 64, width: 64, height: 64 } }
${stagesBehindFrames}`;
const shards = 3;
/** The shards, the fit, the placing of all shards but the one that fits, and the merge. */
const jobs = shards + 1 + (shards - 1) + 1;

/** What can be killed at each kind of job; `wave` is the moment in which a merge begins the fit or the placing. */
const processes = {
  shard: ['worker', 'job', 'device', 'redis', 'empty redis'],
  wave: ['worker', 'redis', 'empty redis'],
  fit: ['worker', 'job', 'redis', 'empty redis'],
  place: ['worker', 'job', 'redis', 'empty redis'],
  merge: ['worker', 'job', 'redis', 'empty redis'],
};
const kinds = Object.keys(processes);
/** The kills of one output folder, in their order: later kinds have fewer jobs. */
const course = ['shard', 'shard', 'wave', 'fit', 'place', 'place', 'merge'];
/** As many of them as there are to be, from the first to the last. */
const courseOf = (most) =>
  most >= course.length
    ? course
    : Array.from({ length: most }, (_, i) => course[Math.round((i * (course.length - 1)) / Math.max(1, most - 1))]);
/** After a wave's last job a worker takes the merge and begins the next within this time. */
const waveMilliseconds = 60;
const limitMilliseconds = 300_000;
/** How many files a job of a kind writes, about. */
const filesOf = { shard: 4, fit: 4, place: 2, merge: 9 };

const cellOf = (process, kind) => `${process} at ${kind}`;
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

/** The whole lines of a file that is written still; none where it is not there. */
const linesIn = (path) => (existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : []);

/** Files that jobs wrote: how many were written again, and how many starts of a job wrote where another start had. */
function writtenTwice(log) {
  const [paths, writers] = [new Set(), new Map()];
  let again = 0;
  for (const line of linesIn(log)) {
    const [, pid, path] = /^(\d+) (.*)$/.exec(line);
    if (paths.has(path)) again++;
    paths.add(path);
    // Shards, their placing and the fits have folders of their own.
    const job = /^\.deepearth\/shards\/([^/]+)/.exec(path)?.[1] ?? 'merge';
    if (!writers.has(job)) writers.set(job, new Set());
    writers.get(job).add(pid);
  }
  return { again, wentOn: [...writers.values()].reduce((sum, { size }) => sum + size - 1, 0) };
}

/** One output folder. Kills as `course` says, each time what was killed least often at that kind of job. */
async function round({ folder, whole, server, number, seed, most, killed, usual }) {
  const random = seededRandom(Math.imul(seed, 1_000_003) + number);
  const name = `round-${number}`;
  const [output, temporary] = [join(folder, name), join(folder, `${name}-tmp`)];
  const log = join(folder, `${name}-written`);
  mkdirSync(temporary);
  const env = { DEEPEARTH_QUEUE: server.url, DEEPEARTH_CACHE: join(folder, 'cache'), TMPDIR: temporary };
  const [kills, harm] = [[], []];
  let over = false;
  let waiting = [];
  const wake = () => waiting.splice(0).forEach((resolve) => resolve());
  const done = new Map();
  let lastDone;
  const workers = queueWorkers({
    name,
    cwd: folder,
    env: { ...env, FAULTS_OUTPUT: output, FAULTS_WRITTEN: log },
    onJob(type, { job, kind, title, milliseconds }) {
      if (type === 'done') {
        done.set(title, job);
        lastDone = kind;
        if (workers.starts.get(job) === 1) usual[kind] = [...(usual[kind] ?? []), milliseconds].slice(-9);
      }
      wake();
    },
  });
  const add = () =>
    runCommand(['queue', 'add', 'p.yaml', '--jobs', String(shards), '--output', output, '--wait', '--name', name], {
      cwd: folder,
      env,
      limitMilliseconds,
    });

  /** What is at hand of a kind; undefined when that kind is over. */
  const atHand = (kind) => workers.all().find((worker) => worker.atHand?.kind === kind)?.atHand;
  const isPast = (kind) => {
    const later = kinds.slice(kinds.indexOf(kind) + 1);
    return over || workers.all().some(({ atHand: job }) => job !== undefined && later.includes(job.kind));
  };
  const change = () => Promise.race([new Promise((resolve) => waiting.push(resolve)), pause(200)]);

  /**
   * Waits for an instant of a kind of job, and returns the worker that has it; undefined when there is none any more.
   */
  async function instantOf(kind) {
    if (kind === 'wave') {
      const shardsDone = () => [...done.keys()].filter((title) => /yaml \d/.test(title)).length === shards;
      while (!isPast('wave') && !(shardsDone() && ['shard', 'fit'].includes(lastDone))) await change();
      if (isPast('wave')) return undefined;
      await pause(random() * waveMilliseconds);
      return workers.all()[Math.floor(random() * workers.all().length)];
    }
    // Most of a small job is its start, with nothing to lose: half of the instants come after a file that it has
    // written.
    const after = random() < 0.5 ? 1 + Math.floor(random() * filesOf[kind]) : undefined;
    const part = 0.85 * random(); // there may be no other job of this kind: the last instants are left out
    for (;;) {
      const job = atHand(kind);
      if (job === undefined) {
        if (isPast(kind)) return undefined;
        await change();
        continue;
      }
      const { worker, since } = job;
      const isAtHand = () => !over && worker.atHand === job;
      if (after === undefined) {
        await pause(Math.max(0, since + part * median(usual[kind] ?? [1000]) - performance.now()));
      } else {
        let pid;
        while (isAtHand() && (pid = workers.processOf(worker)) === undefined) await pause(20);
        while (isAtHand() && linesIn(log).filter((line) => line.startsWith(`${pid} `)).length < after) await pause(2);
      }
      // A job that has to wait for another start of it is given back without a word.
      if (isAtHand() && workers.processOf(worker) !== undefined) return worker;
      if (isPast(kind)) return undefined;
    }
  }

  const acts = {
    worker(worker) {
      worker.child.kill('SIGKILL');
      workers.start();
      return true;
    },
    job: (worker) => killProcess(workers.processOf(worker)),
    async device(worker) {
      for (const job = worker.atHand; worker.atHand === job; await pause(10)) {
        const device = workers.deviceOf(worker);
        if (device === undefined) continue;
        await pause(random() * 300);
        return killProcess(device);
      }
      return false;
    },
    async redis() {
      await server.stop();
      await pause(random() * 500);
      await server.start();
      return true;
    },
    async 'empty redis'() {
      await server.stop();
      await server.forget();
      await pause(random() * 500);
      await server.start();
      return true;
    },
  };

  let adding = add().then((ended) => ((over = true), wake(), ended));
  workers.start();
  workers.start();
  try {
    for (const kind of courseOf(most)) {
      const worker = await instantOf(kind);
      if (worker === undefined) continue;
      const order = processes[kind].map((process) => ({ process, at: random() }));
      const times = ({ process }) => killed[cellOf(process, kind)] ?? 0;
      const [{ process }] = order.sort((a, b) => times(a) - times(b) || a.at - b.at);
      const title = worker.atHand?.title;
      if (!(await acts[process](worker))) continue;
      kills.push({ process, kind, ...(title !== undefined && { title }) });
      killed[cellOf(process, kind)] = (killed[cellOf(process, kind)] ?? 0) + 1;
    }
    const added = await adding;
    if (added.status !== 0) harm.push(`add --wait ended with ${added.status}: ${added.stderr.slice(-2000)}`);
    harm.push(...(await workers.end()));
    const status = await runCommand(['queue', 'status', '--json', '--name', name], { cwd: folder, env });
    if (status.status !== 0) throw new Error(`the queue cannot be looked at: ${status.stderr}`);
    const { counts, failed } = JSON.parse(status.stdout);
    // A database that has forgotten its jobs may have been given some of them again, or none.
    const forgot = kills.some(({ process }) => process === 'empty redis');
    if (!forgot && counts.completed !== jobs) harm.push(`${counts.completed} of ${jobs} jobs are done`);
    if (failed.length > 0) harm.push(`jobs were set aside: ${JSON.stringify(failed)}`);
    harm.push(...differences(whole, digestsIn(output)), ...(await leftBehind(env.DEEPEARTH_CACHE, temporary)));
    const begunAgain = [...workers.starts.values()].reduce((sum, times) => sum + times - 1, 0);
    const { again: writtenAgain, wentOn } = writtenTwice(log);
    // The job that a kill meets goes on in another start; what is written is found again.
    const meets = kills.filter(({ process }) => process === 'worker' || process === 'job').length;
    if (wentOn > meets) harm.push(`${wentOn} starts of jobs went on with one for ${meets} kills of what does them`);
    // A model counts when it is put down what it was fitted to: a fit that ends between the two is made once more.
    const fitsMet = kills.filter(({ process, kind }) => kind === 'fit' && /worker|job/.test(process)).length;
    if (writtenAgain > fitsMet) harm.push(`${writtenAgain} files were written again`);
    if (harm.length === 0) for (const path of [output, temporary, log]) rmSync(path, { recursive: true, force: true });
    return {
      number,
      kills,
      begunAgain,
      wentOn,
      writtenAgain,
      harm,
      ...(harm.length > 0 && { folder: output, counts }),
    };
  } finally {
    for (const { child } of workers.all()) child.kill('SIGKILL');
  }
}

function killProcess(pid) {
  if (pid === undefined) return false;
  try {
    process.kill(pid, 'SIGKILL');
    return true;
  } catch {
    return false;
  }
}

/**
 * Kills `count` times: a worker, the process of its job, the process that encodes for it, or Redis, which comes back
 * with what it knew or with nothing. Returns what became of each output folder, and how often what was killed at which
 * kind of job. `log` is a file that gets a line of JSON for each folder; those that are in it count and are not done
 * again.
 */
export async function killWorkers({ count, seed = 1, log, tell = () => undefined }) {
  const folder = mkdtempSync(join(tmpdir(), 'queue-faults-'));
  const server = await startRedis({ persistent: true });
  const rounds = log === undefined ? [] : linesIn(log).map((line) => JSON.parse(line));
  const killed = {};
  for (const { process, kind } of rounds.flatMap(({ kills }) => kills))
    killed[cellOf(process, kind)] = (killed[cellOf(process, kind)] ?? 0) + 1;
  const all = () => Object.values(killed).reduce((sum, each) => sum + each, 0);
  const usual = {};
  try {
    writeFileSync(join(folder, 'p.yaml'), pipeline);
    const alone = await runCommand(['run', 'p.yaml', '--output', 'whole'], {
      cwd: folder,
      env: { DEEPEARTH_CACHE: join(folder, 'cache') },
    });
    if (alone.status !== 0) throw new Error(`the pipeline does not run by itself: ${alone.stderr}`);
    const whole = digestsIn(join(folder, 'whole'));
    for (let number = rounds.length; all() < count && number < count + 10; number++) {
      const one = await round({ folder, whole, server, number, seed, most: count - all(), killed, usual });
      rounds.push(one);
      if (log !== undefined) appendFileSync(log, `${JSON.stringify(one)}\n`);
      tell(one);
    }
    return { rounds, killed };
  } finally {
    await server.end();
    if (rounds.every(({ harm }) => harm.length === 0)) rmSync(folder, { recursive: true, force: true });
    else console.log(`see ${folder}`);
  }
}
