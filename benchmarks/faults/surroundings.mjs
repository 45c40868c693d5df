// Does to runs what happens around them: full disks, broken networks, clocks that jump, a second worker, damaged
// frames.

import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { s3Store } from '@deepearth/runtime';
import sharp from 'sharp';
import { redisPath, startRedis } from '../../tools/redis.mjs';
import { s3Servers, startS3 } from '../../tools/s3-servers.mjs';
import { startProxy } from '../../tools/tcp-proxy.mjs';
import { runCommand } from './command.mjs';
import { processesOf } from './kills.mjs';
import { differences, digestsIn } from './result-files.mjs';
import { stagesBehindFrames } from '../support/common-stages.mjs';

const command = fileURLToPath(new URL('../../packages/cli/bin/deepearth.js', import.meta.url));
const clock = new URL('./jumping-clock.mjs', import.meta.url).href;
const frames = 48;
const shards = 3;
/** The shards, the fit, the placing of all shards but the one that fits, and the merge. */
const jobs = shards + 1 + (shards - 1) + 1;
const pipeline = `name: surroundings
stages:
  - { id: frames, type: source/frames, with: { directory: frames } }
${stagesBehindFrames}`;

/** What a kind of fault needs that is not here, in words; undefined where there is all. */
const lacks = {
  disk: () => {
    const folder = mkdtempSync(join(tmpdir(), 'mount-'));
    const may = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder]).status === 0;
    if (may) spawnSync('umount', [folder]);
    rmSync(folder, { recursive: true });
    return may ? undefined : 'the right to mount a small disk';
  },
  'network to redis': () => (redisPath ? undefined : 'Redis'),
  'network to s3': () => (s3Servers.some(({ path }) => path) ? undefined : 'a server for S3 (tools/s3-servers.mjs)'),
  clock: () => (redisPath ? undefined : 'Redis'),
  'two workers': () => undefined,
  'poison frame': () => (redisPath ? undefined : 'Redis'),
};

/** The kinds of faults. */
export const surroundings = Object.keys(lacks);

/**
 * Has `count` pipelines run, each with one fault: of each kind in turn, or of those in `kinds`. Returns a line for
 * each:
 * what was done, and what is wrong.
 */
export async function changeSurroundings({ count, random, kinds = surroundings, tell = () => undefined }) {
  const folder = mkdtempSync(join(tmpdir(), 'surroundings-'));
  // Of all processes of a round, so that what they leave is seen.
  const temporary = join(folder, 'temporary');
  for (const name of ['temporary', 'cache', 'frames']) mkdirSync(join(folder, name));
  const env = { TMPDIR: temporary, XDG_CACHE_HOME: join(folder, 'cache') };
  const rounds = [];
  const here = [];
  for (const kind of kinds) {
    const lack = lacks[kind]();
    if (lack === undefined) here.push(kind);
    else tell({ kind, skipped: lack, harm: [] });
  }
  const run = (args, more = {}) => runCommand(args, { cwd: folder, env: { ...env, ...more } });
  const between = (low, high) => low + random() * (high - low);

  /** Starts a command that is not waited for. */
  function start(args, more = {}) {
    const child = spawn(process.execPath, [command, ...args], {
      cwd: folder,
      env: { ...process.env, ...env, ...more },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const state = { child, stderr: '', status: undefined };
    child.stderr.on('data', (piece) => (state.stderr += piece));
    state.ended = new Promise((resolve) => child.on('close', (code, by) => resolve((state.status = code ?? by))));
    return state;
  }

  /** Breaks a network in one way after another until it is told to end, and leaves it whole. */
  function breakNetwork(proxy) {
    const counts = {};
    let over = false;
    const ways = {
      cut: () => proxy.cut(),
      still: () => (proxy.still = true),
      away: () => ((proxy.away = true), proxy.cut()),
      delay: () => (proxy.delayMilliseconds = between(1, 40)),
      slow: () => (proxy.bytesPerSecond = between(100_000, 2_000_000)),
    };
    const ended = (async () => {
      while (!over) {
        const way = Object.keys(ways)[Math.floor(random() * 5)];
        counts[way] = (counts[way] ?? 0) + 1;
        ways[way]();
        await pause(between(50, 900));
        Object.assign(proxy, { still: false, away: false, delayMilliseconds: 0, bytesPerSecond: Infinity });
        await pause(between(50, 600));
      }
      return Object.entries(counts)
        .map(([way, times]) => `${times} x ${way}`)
        .join(', ');
    })();
    return () => ((over = true), ended);
  }

  /** Has the pipeline done by two workers of a queue of its own; `meanwhile` is told how to look at the queue. */
  async function throughQueue({ output, name, url, env: more = {}, add = url, meanwhile }) {
    const queue = (...args) => run(['queue', ...args, '--name', name], { DEEPEARTH_QUEUE: add });
    const status = async () => JSON.parse((await queue('status', '--json')).stdout);
    const harm = [];
    const added = await queue('add', 'p.yaml', '--jobs', String(shards), '--output', output);
    if (added.status !== 0) return [`nothing was added: ${added.stderr}`];
    const workers = [0, 1].map(() =>
      start(['queue', 'work', '--json', '--name', name, '--lock-seconds', '1'], { DEEPEARTH_QUEUE: url, ...more }),
    );
    try {
      if (meanwhile) harm.push(...(await meanwhile({ status, queue })));
      const end = Date.now() + 600_000;
      for (;;) {
        const { counts, failed } = await status();
        if (counts.completed === jobs) break;
        if (failed.length > 0 || Date.now() > end) {
          const reasons = failed.flatMap(({ failures }) => failures.map(({ reason }) => reason));
          harm.push(`${counts.completed} of ${jobs} jobs are done: ${reasons.join('; ') || 'no reason'}`);
          break;
        }
        await pause(200);
      }
    } finally {
      for (const { status: ended, stderr } of workers)
        if (ended !== undefined) harm.push(`a worker ended with ${ended}: ${stderr}`);
      for (const { child } of workers) child.kill('SIGTERM');
      for (const { ended } of workers)
        if ((await Promise.race([ended, pause(20_000, 'late')])) === 'late') harm.push('a worker does not end');
      for (const { child } of workers) child.kill('SIGKILL');
    }
    return harm;
  }

  const acts = {
    /** A disk that holds a part of the result, and is then given room. */
    async disk({ output, whole, wholeBytes }) {
      const size = Math.round(between(0.1, 0.9) * wholeBytes);
      mkdirSync(output);
      const mount = (...args) => {
        const { status, stderr } = spawnSync(args[0], args.slice(1));
        if (status !== 0) throw new Error(String(stderr));
      };
      mount('mount', '-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', output);
      const harm = [];
      try {
        const full = await run(['run', 'p.yaml', '--output', output]);
        if (full.status === 0) harm.push('the run ended with 0 on a full disk');
        if (!/disk|space/i.test(full.stderr)) harm.push(`it does not say that the disk is full: ${full.stderr}`);
        for (const [path, digest] of Object.entries(digestsIn(output)))
          if (!path.startsWith('.deepearth') && digest !== whole[path]) harm.push(`${path} is half-written`);
        mount('mount', '-o', `remount,size=${4 * wholeBytes}`, output);
        const again = await run(['run', 'p.yaml', '--output', output, '--resume']);
        if (again.status !== 0) harm.push(`with room it ended with ${again.status}: ${again.stderr}`);
        harm.push(...differences(whole, digestsIn(output)));
      } finally {
        mount('umount', output);
      }
      return { done: `disk of ${size} bytes, result of ${wholeBytes}`, harm };
    },

    async 'network to redis'({ output, whole, round }) {
      const server = await startRedis();
      const proxy = await startProxy(Number(new URL(server.url).port));
      try {
        let done = '';
        const harm = await throughQueue({
          output,
          name: `round-${round}`,
          url: `redis://127.0.0.1:${proxy.port}`,
          add: server.url,
          async meanwhile() {
            // A worker that cannot reach the queue at its start says so and ends.
            while (proxy.sent === 0) await pause(20);
            await pause(500);
            const end = breakNetwork(proxy);
            await pause(between(3000, 8000));
            done = await end();
            return [];
          },
        });
        return { done, harm: [...harm, ...differences(whole, digestsIn(output))] };
      } finally {
        await proxy.end();
        await server.end();
      }
    },

    async 'network to s3'({ output, whole }) {
      const server = await startS3(s3Servers.find(({ path }) => path));
      const proxy = await startProxy(server.port);
      try {
        const address = 's3://bucket/results';
        const end = breakNetwork(proxy);
        const harm = [];
        const to = { ...server.env, AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${proxy.port}` };
        const { status, stderr } = await run(['run', 'p.yaml', '--output', address], to).finally(end);
        if (status !== 0) {
          // A network that stays away for longer than it is waited for: the run says so and is resumed.
          if (!/E_S3_BROKEN|was asked|lock of this run/.test(stderr)) harm.push(`it ended with ${status}: ${stderr}`);
          const again = await run(['run', 'p.yaml', '--output', address, '--resume'], server.env);
          if (again.status !== 0) harm.push(`on a whole network it ended with ${again.status}: ${again.stderr}`);
        }
        const store = s3Store(address, { env: server.env });
        for (const prefix of ['', '.deepearth/'])
          for await (const { path } of store.list(prefix)) {
            const file = await store.get(path);
            mkdirSync(dirname(join(output, path)), { recursive: true });
            writeFileSync(join(output, path), await file.read(0, file.size));
          }
        return {
          done: `${await end()}, ended with ${status}`,
          harm: [...harm, ...differences(whole, digestsIn(output))],
        };
      } finally {
        await proxy.end();
        await server.end();
      }
    },

    /** The clocks of workers and jobs are set once, by up to two days. */
    async clock({ output, whole, round }) {
      const server = await startRedis();
      try {
        const more = {
          NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --import ${clock}`.trim(),
          JUMPING_CLOCK_SEED: String(Math.floor(random() * 1e6)),
        };
        const harm = await throughQueue({ output, name: `round-${round}`, url: server.url, env: more });
        return {
          done: 'the clocks of all processes were set once',
          harm: [...harm, ...differences(whole, digestsIn(output))],
        };
      } finally {
        await server.end();
      }
    },

    /** Two workers with one shard, of which one is killed half of the time. */
    async 'two workers'({ output, whole }) {
      const shard = (index) => ['run', 'p.yaml', '--output', output, '--shard', `${index}/2`];
      const harm = [];
      const first = start(shard(1));
      await pause(between(0, 600));
      const second = start(shard(1));
      const killed = random() < 0.5;
      if (killed) {
        await pause(between(0, 900));
        (random() < 0.5 ? first : second).child.kill('SIGKILL');
      }
      for (const { ended, stderr } of [first, second]) {
        const status = await ended;
        if (status !== 0 && status !== 'SIGKILL' && !/another run/.test(stderr))
          harm.push(`a worker ended with ${status}: ${stderr}`);
      }
      if (!killed && first.status !== 0 && second.status !== 0) harm.push('none of two workers did the shard');
      for (const args of [shard(1), shard(2), ['merge', 'p.yaml', '--output', output]]) {
        const { status, stderr } = await run(args);
        if (status !== 0) harm.push(`"${args[0]}" ended with ${status}: ${stderr}`);
      }
      const done = `ended with ${first.status} and ${second.status}`;
      return { done, harm: [...harm, ...differences(whole, digestsIn(output))] };
    },

    /** A frame that cannot be read sets its part aside with the reason; when it is mended all goes on. */
    async 'poison frame'({ output, whole, round }) {
      const server = await startRedis();
      const frame = frameAt(Math.floor(random() * frames));
      const good = readFileSync(frame);
      const cut = Math.floor(between(40, good.length - 20));
      const said = [];
      try {
        writeFileSync(frame, good.subarray(0, cut));
        const harm = await throughQueue({
          output,
          name: `round-${round}`,
          url: server.url,
          async meanwhile({ status, queue }) {
            const end = Date.now() + 600_000;
            let failed;
            do {
              await pause(300);
              ({ failed } = await status());
            } while (failed.length === 0 && Date.now() < end);
            writeFileSync(frame, good);
            const [aside] = failed;
            if (!aside) return ['the part with the frame was not set aside'];
            said.push(`set aside after ${aside.failures.length} tries`);
            const wrong = [];
            if (aside.failures.length !== 3) wrong.push(`it was tried ${aside.failures.length} times`);
            if (!aside.failures.every(({ reason }) => reason.includes(basename(frame))))
              wrong.push(`the reason does not name ${basename(frame)}: ${aside.failures[0].reason}`);
            // A frame of two clips at the border of two parts poisons both.
            while ((await status()).counts.active > 0) await pause(300);
            await queue('retry');
            return wrong;
          },
        });
        return {
          done: `${basename(frame)} cut to ${cut} bytes, ${said}`,
          harm: [...harm, ...differences(whole, digestsIn(output))],
        };
      } finally {
        writeFileSync(frame, good);
        await server.end();
      }
    },
  };
  try {
    for (let i = 0; i < frames; i++) writeFileSync(frameAt(i), await makePicture(i));
    writeFileSync(join(folder, 'p.yaml'), pipeline);
    const alone = await run(['run', 'p.yaml', '--output', 'whole']);
    if (alone.status !== 0) throw new Error(`the pipeline does not run by itself: ${alone.stderr}`);
    const whole = digestsIn(join(folder, 'whole'));
    const wholeBytes = readdirSync(join(folder, 'whole'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .reduce((sum, entry) => sum + readFileSync(join(entry.parentPath, entry.name)).length, 0);

    for (let round = 0; here.length > 0 && round < count; round++) {
      const kind = here[round % here.length];
      const output = join(folder, `round-${round}`);
      const { done, harm } = await acts[kind]({ output, whole, wholeBytes, round });
      await pause(300);
      for (const pid of processesOf(temporary)) harm.push(`process ${pid} is still there`);
      for (const name of readdirSync(temporary)) harm.push(`${name} is left among the temporary files`);
      rounds.push({ kind, done, harm });
      tell({ kind, done, harm });
      rmSync(output, { recursive: true, force: true });
    }
    return rounds;
  } finally {
    if (rounds.every(({ harm }) => harm.length === 0)) rmSync(folder, { recursive: true, force: true });
    else console.log(`see ${folder}`);
  }

  function frameAt(number) {
    return join(folder, 'frames', `frame_${String(number).padStart(4, '0')}.png`);
  }
}

/** A frame of 64 x 64 with a shape that moves. */
const makePicture = (number) =>
  sharp(
    Buffer.from(
      Array.from({ length: 64 * 64 * 3 }, (_, at) => {
        const [x, y] = [Math.floor(at / 3) % 64, Math.floor(at / 192)];
        return (x * 3 + y * ((at % 3) + 1) + number * 7 + (Math.hypot(x - number, y - 30) < 12 ? 120 : 0)) % 256;
      }),
    ),
    { raw: { width: 64, height: 64, channels: 3 } },
  )
    .png()
    .toBuffer();
