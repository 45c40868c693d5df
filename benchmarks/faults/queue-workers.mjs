// Workers of a queue as processes, and what each of them has at hand.

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { childrenOf } from '../support/process-memory.mjs';
import { preloads } from './command.mjs';

const command = fileURLToPath(new URL('../../packages/cli/bin/deepearth.js', import.meta.url));

/** `p.yaml place 2/5` is of the kind `place`, `p.yaml 2/5` a shard. */
export const kindOf = (title) => /(fit|place|merge)/.exec(title)?.[0] ?? 'shard';

const commandOf = (pid) => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
  } catch {
    return '';
  }
};

/**
 * Starts workers on one queue, with a lock of a second. `onJob` is called with `started` and `done`, the job's kind and
 * the milliseconds since its start. `starts` counts how often each job was started.
 */
export function queueWorkers({ name, cwd, env, onJob = () => undefined }) {
  const workers = new Set();
  const starts = new Map();

  function start() {
    const child = spawn(
      process.execPath,
      ['--import', preloads.fileOperations, command, 'queue', 'work', '--json', '--name', name, '--lock-seconds', '1'],
      { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    const worker = { child, atHand: undefined, said: '' };
    child.stderr.on('data', (piece) => (worker.said += piece));
    createInterface({ input: child.stdout }).on('line', (line) => {
      const { type, job, title } = JSON.parse(line);
      if (!['started', 'done', 'failed', 'set-aside', 'passed-on'].includes(type)) return;
      const kind = kindOf(title);
      const now = performance.now();
      if (type === 'started') {
        starts.set(job, (starts.get(job) ?? 0) + 1);
        worker.atHand = { job, kind, title, since: now, worker };
        onJob(type, worker.atHand);
      } else {
        const { since = now } = worker.atHand ?? {};
        worker.atHand = undefined;
        if (type === 'done') onJob(type, { job, kind, title, since, worker, milliseconds: now - since });
      }
    });
    workers.add(worker);
    worker.ended = new Promise((resolve) =>
      child.on('close', (code, by) => {
        workers.delete(worker);
        worker.atHand = undefined;
        resolve(code ?? by);
      }),
    );
    return worker;
  }

  return {
    start,
    starts,
    all: () => [...workers],
    /** The process of the job that a worker has at hand; undefined where there is none (any more). */
    processOf: ({ child }) => childrenOf(child.pid).find((pid) => /deepearth\.js\0(run|merge)\0/.test(commandOf(pid))),
    /** The process that encodes for it. */
    deviceOf: ({ child }) => childrenOf(child.pid).find((pid) => commandOf(pid).includes('session-child')),
    /** Lets all of them end the jobs at hand. Returns what is wrong with how they ended. */
    async end() {
      const harm = [];
      const ending = [...workers];
      for (const { child } of ending) child.kill('SIGTERM');
      for (const { child, ended, said } of ending) {
        const late = setTimeout(() => child.kill('SIGKILL'), 60_000);
        const status = await ended;
        clearTimeout(late);
        if (status !== 0) harm.push(`a worker ended with ${status}: ${said.slice(-1000)}`);
      }
      return harm;
    },
  };
}
