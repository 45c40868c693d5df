// Runs a pipeline of an encoder that waits from a queue, with a worker of several processes, and takes the times of its
// jobs.

import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { startRedis } from '../../tools/redis.mjs';

const command = join(import.meta.dirname, '../../packages/cli/bin/deepearth.js');
const framesPerClip = 4;

const pipeline = ({ clips, seconds, shape }) => `name: fleet
plugins: [${join(import.meta.dirname, 'waiting-plugin.mjs')}]
stages:
  - { type: source/synthetic, with: { count: ${clips * framesPerClip}, width: 32, height: 32 } }
  - { type: windower/sliding, with: { size: ${framesPerClip}, stride: ${framesPerClip} } }
  - { type: encoder/waiting, with: { seconds: ${seconds}, shape: [${shape.join(', ')}] } }
  - { type: sink/features }
`;

/**
 * Encodes `clips` in `shards` shards, `devices` at a time, each clip by waiting so many seconds for tokens of that
 * shape. Returns the seconds from the first start of a job to the end of the last shard (`encodedSeconds`), of the
 * merge (`mergeSeconds`) and of each shard (`shardSeconds`), processor seconds of both, and bytes of a clip's file of
 * tokens.
 */
export async function runFleet({ devices, shards, clips, seconds, shape }) {
  const folder = await mkdtemp(join(tmpdir(), 'fleet-'));
  const server = await startRedis();
  let worker;
  try {
    const [file, output] = [join(folder, 'p.yaml'), join(folder, 'out')];
    await writeFile(file, pipeline({ clips, seconds, shape }));
    const place = ['--url', server.url];
    const add = [command, 'queue', 'add', file, '--jobs', String(shards), '--output', output, ...place];
    await promisify(execFile)(process.execPath, add);
    const work = [command, 'queue', 'work', '--concurrency', String(devices), '--json', ...place];
    worker = spawn(process.execPath, work, { stdio: ['ignore', 'pipe', 'ignore'] });
    const ended = new Promise((resolve) => worker.on('close', resolve));
    const jobs = new Map();
    const processor = [0];
    for await (const line of createInterface({ input: worker.stdout })) {
      const { type, job, title, reason } = JSON.parse(line);
      const now = performance.now() / 1000;
      if (type === 'started') jobs.set(job, { title, started: now });
      if (type === 'failed' || type === 'set-aside') throw new Error(`${title}: ${reason}`);
      if (type !== 'done') continue;
      jobs.get(job).done = now;
      processor.push(await secondsOfChildren(worker.pid));
      if (processor.length === shards + 2) break;
    }
    worker.kill('SIGTERM');
    await ended;
    worker = undefined;
    const all = [...jobs.values()].sort((a, b) => a.done - b.done);
    const merge = all.pop();
    const { outputs } = JSON.parse(await readFile(join(output, 'manifest.json'), 'utf8'));
    if (outputs.length !== clips) throw new Error(`${outputs.length} files of tokens for ${clips} clips`);
    return {
      encodedSeconds: all.at(-1).done - Math.min(...all.map(({ started }) => started)),
      mergeSeconds: merge.done - merge.started,
      shardSeconds: all.map(({ started, done }) => done - started),
      shardProcessorSeconds: processor.at(-2),
      mergeProcessorSeconds: processor.at(-1) - processor.at(-2),
      tokenBytesPerClip: outputs[0].bytes,
    };
  } finally {
    worker?.kill('SIGKILL');
    await server.end();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Processor seconds of the processes that a process has started and that have ended. */
async function secondsOfChildren(pid) {
  const text = await readFile(`/proc/${pid}/stat`, 'latin1');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const ticksPerSecond = 100;
  return (Number(fields[13]) + Number(fields[14])) / ticksPerSecond;
}
