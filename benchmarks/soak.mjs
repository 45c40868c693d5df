// Has two workers of a queue do one pipeline after another for a while, and says whether memory and open files stay
// flat:
//
//   node benchmarks/soak.mjs [MINUTES, 30]
//
// Every result is compared, byte for byte, with that of a run by itself. Exit 1 where one differs, a job is set aside,
// a file or process is left over, or memory grew by more than a tenth. Needs a build (npx tsc -b), Redis, and Linux.

import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { startRedis } from '../tools/redis.mjs';
import { runCommand } from './faults/command.mjs';
import { differences, digestsIn } from './faults/result-files.mjs';
import { childrenOf, peakOf } from './support/process-memory.mjs';
import { stagesBehindFrames } from './support/common-stages.mjs';

const minutes = Number(process.argv[2] ?? 30);
const command = fileURLToPath(new URL('../packages/cli/bin/deepearth.js', import.meta.url));
const jobs = 4;
const pipeline = `name: soak
stages:
  - { id: frames, type: source/synthetic, with: { count: 96, width: 64, height: 64 } }
${stagesBehindFrames}`;

const residentOf = (pid) => {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;
  } catch {
    return 0;
  }
};
const filesOpenIn = (pid) => {
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch {
    return 0;
  }
};
/** A process by its number and its start, since numbers come again. */
const nameOf = (pid) => {
  try {
    return `${pid}:${readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ')[19]}`;
  } catch {
    return undefined;
  }
};
const median = (numbers) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1] ?? 0;

const folder = mkdtempSync(join(tmpdir(), 'soak-'));
// Temporary files of all processes, so that what is left over is seen.
const temporary = mkdtempSync(join(tmpdir(), 'soak-temporary-'));
const server = await startRedis({ persistent: true });
const env = { DEEPEARTH_QUEUE: server.url, TMPDIR: temporary };
const workers = [];
let wrong = 0;
const fault = (text) => {
  wrong++;
  console.log(text);
};
try {
  writeFileSync(join(folder, 'p.yaml'), pipeline);
  const alone = await runCommand(['run', 'p.yaml', '--output', 'whole'], { cwd: folder, env });
  if (alone.status !== 0) throw new Error(`the pipeline does not run by itself: ${alone.stderr}`);
  const whole = digestsIn(join(folder, 'whole'));
  const queue = (...args) => runCommand(['queue', ...args], { cwd: folder, env });
  for (let i = 0; i < 2; i++)
    workers.push(
      spawn(process.execPath, [command, 'queue', 'work', '--json'], {
        cwd: folder,
        env: { ...process.env, ...env },
        stdio: 'ignore',
      }),
    );
  /** A line a second: minute, resident MB and open files of each worker; and the peak of each process of a job. */
  const samples = [];
  const peaks = new Map();
  const began = performance.now();
  const minute = () => (performance.now() - began) / 60_000;
  const timer = setInterval(() => {
    samples.push([minute(), ...workers.flatMap(({ pid }) => [residentOf(pid), filesOpenIn(pid)])]);
    for (const { pid } of workers)
      for (const child of childrenOf(pid)) {
        const name = nameOf(child);
        const known = peaks.get(name);
        if (name)
          peaks.set(name, { minute: known?.minute ?? minute(), peak: Math.max(known?.peak ?? 0, peakOf(child)) });
      }
  }, 1000);
  let rounds = 0;
  while (minute() < minutes) {
    const output = join(folder, `round-${rounds}`);
    const { status, stderr } = await queue('add', 'p.yaml', '--jobs', String(jobs), '--output', output, '--wait');
    rounds++;
    if (status !== 0) {
      fault(`round ${rounds}: "queue add --wait" ended with ${status}: ${stderr}`);
      continue;
    }
    const harm = differences(whole, digestsIn(output));
    for (const line of harm) fault(`round ${rounds}: ${line}`);
    rmSync(output, { recursive: true });
  }
  clearInterval(timer);
  for (const worker of workers) worker.kill('SIGTERM');
  for (const worker of workers) while (worker.exitCode === null && worker.signalCode === null) await pause(100);
  for (const name of peaks.keys())
    if (nameOf(name.split(':')[0]) === name) fault(`process ${name.split(':')[0]} of a job is still there`);
  for (const name of readdirSync(temporary)) fault(`${name} is left among the temporary files`);

  // The first sixth warms up: compiled code, caches of modules, the pools of V8.
  const [warm, end] = [minutes / 6, minutes];
  const third = (end - warm) / 3;
  const early = (at) => at >= warm && at < warm + third;
  const late = (at) => at >= end - third;
  console.log(`${rounds} pipelines of ${jobs} jobs and a merge in ${minute().toFixed(1)} minutes, ${wrong} faults.`);
  console.log('| | first third after the start | last third | ratio |\n| --- | --- | --- | --- |');
  const row = (name, all, limit, digits = 0) => {
    const [first, last] = [early, late].map((isIn) => median(all.filter(([at]) => isIn(at)).map(([, value]) => value)));
    console.log(`| ${name} | ${first.toFixed(digits)} | ${last.toFixed(digits)} | ${(last / first).toFixed(3)} |`);
    if (!(last / first <= limit)) fault(`${name} grew by more than ${((limit - 1) * 100).toFixed(0)} %`);
  };
  for (const index of [0, 1]) {
    row(
      `worker ${index + 1}, resident MB`,
      samples.map((each) => [each[0], each[1 + 2 * index]]),
      1.1,
    );
    row(
      `worker ${index + 1}, open files`,
      samples.map((each) => [each[0], each[2 + 2 * index]]),
      1.1,
    );
  }
  row(
    'a job, peak MB',
    [...peaks.values()].map(({ minute, peak }) => [minute, peak]),
    1.1,
  );
} finally {
  for (const worker of workers) worker.kill('SIGKILL');
  await server.end();
  rmSync(folder, { recursive: true, force: true });
  rmSync(temporary, { recursive: true, force: true });
}
process.exitCode = wrong === 0 ? 0 : 1;
