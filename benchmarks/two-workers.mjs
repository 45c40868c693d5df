// One worker of a queue, and two, on the same machine, with an encoder of one thread.
//
//     node benchmarks/two-workers.mjs [SHARDS] [CLIPS OF EACH] [ROUNDS]
//
// Prints a line for each: seconds from the start of the first shard to the end of the last, and the load of the
// machine. The rounds take turns. It starts a Redis of its own.

import { spawn, spawnSync } from 'node:child_process';
import { linkSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { weather } from '@deepearth/sources/weather';
import sharp from 'sharp';
import { startRedis } from '../tools/redis.mjs';

const [shards = 4, clips = 56, rounds = 2] = process.argv.slice(2).map(Number);
const command = fileURLToPath(new URL('../packages/cli/bin/deepearth.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'two-workers-'));

// Sixteen pictures; the others are links to them.
const size = { width: 384, height: 384 };
const world = weather({ ...size, seed: 7 });
mkdirSync(join(folder, 'frames'));
const pathOf = (number) => join(folder, 'frames', `frame_${String(number).padStart(5, '0')}.jpg`);
for (let number = 0; number < 16 * shards * clips; number++)
  if (number < 16)
    await sharp(world.draw(number).data, { raw: { ...size, channels: 3 } })
      .jpeg()
      .toFile(pathOf(number));
  else linkSync(pathOf(number % 16), pathOf(number));
writeFileSync(
  join(folder, 'pipeline.yaml'),
  `name: two-workers
stages:
  - { id: frames, type: source/frames, with: { directory: frames } }
  - { id: clips, type: windower/sliding }
  - { id: tokens, type: encoder/vjepa2, with: { model: builtin, threads: 1 } }
  - { id: features, type: sink/features }
`,
);

/** Seconds that so many workers take for the shards of a pipeline. */
async function timed(count, url, round) {
  const name = `two-workers-${count}-${round}`;
  const options = ['--url', url, '--name', name];
  const added = spawnSync(
    process.execPath,
    [command, 'queue', 'add', 'pipeline.yaml', ...options, '--jobs', String(shards), '--output', name],
    { cwd: folder, encoding: 'utf8' },
  );
  if (added.status !== 0) throw new Error(added.stderr);
  let begun;
  let left = shards;
  const workers = [];
  const seconds = await new Promise((resolve, reject) => {
    for (let i = 0; i < count; i++) {
      const worker = spawn(process.execPath, [command, 'queue', 'work', ...options, '--json'], {
        cwd: folder,
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      workers.push(worker);
      createInterface({ input: worker.stdout }).on('line', (line) => {
        const { type, title } = JSON.parse(line);
        if (type === 'failed' || type === 'set-aside') reject(new Error(line));
        if (!/\d+\/\d+$/.test(title ?? '')) return;
        if (type === 'started') begun ??= performance.now();
        if (type === 'done' && --left === 0) resolve((performance.now() - begun) / 1000);
      });
    }
  });
  await Promise.all(
    workers.map((worker) => {
      const ended = new Promise((resolve) => worker.on('close', resolve));
      worker.kill('SIGTERM');
      return ended;
    }),
  );
  rmSync(join(folder, name), { recursive: true, force: true });
  return seconds;
}

const redis = await startRedis();
try {
  for (let round = 0; round < rounds; round++) {
    const load = loadavg()[0];
    const one = await timed(1, redis.url, round);
    const two = await timed(2, redis.url, round);
    console.log(JSON.stringify({ shards, clips, one, two, ratio: one / two, load }));
  }
} finally {
  await redis.end();
  rmSync(folder, { recursive: true, force: true });
}
