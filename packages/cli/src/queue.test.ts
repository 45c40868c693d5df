// `deepearth queue` with workers that are processes, on a Redis of its own.

import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { redisPath, startRedis, withoutRedis } from '../../../tools/redis.mjs';
import { commandPath, deepearth, folderWith } from './testing/spawn.ts';

const plugin = fileURLToPath(new URL('../../../examples/own-encoder/my-encoder.mjs', import.meta.url));
const pipeline = (count = 96) => `name: queued
plugins: [${plugin}]
stages:
  - { id: frames, type: source/synthetic, with: { count: ${count}, width: 64, height: 64 } }
  - { type: windower/sliding }
  - { id: tokens, type: encoder/cells, with: { rows: 6, columns: 6 } }
  - { type: sink/features }
  - { type: reducer/pca, from: tokens }
  - { type: renderer/overlay }
  - { type: sink/gif }
`;

/** Digests of all files but the manifest, which has times. */
function digests(folder: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort())
    if (/\.\w+$/.test(name) && name !== 'manifest.json' && !name.startsWith('.deepearth'))
      found[name] = createHash('sha256')
        .update(readFileSync(join(folder, name)))
        .digest('hex');
  return found;
}

describe.skipIf(!redisPath)(`deepearth queue${withoutRedis}`, () => {
  let server: Awaited<ReturnType<typeof startRedis>>;
  let queues = 0;
  let env: NodeJS.ProcessEnv = {};
  let name = '';
  const workers: ChildProcess[] = [];
  beforeAll(async () => {
    server = await startRedis();
    env = { DEEPEARTH_QUEUE: server.url };
  });
  afterAll(() => server.end());
  afterEach(() => {
    for (const worker of workers.splice(0)) worker.kill('SIGKILL');
  });

  const queue = (command: string, ...args: string[]) => deepearth(['queue', command, ...args, '--name', name], { env });
  const newQueue = (): void => void (name = `test-${queues++}`);

  /** Starts a worker; `said` is what it has printed, `ended` its exit status. */
  function worker(...args: string[]) {
    const child = spawn(process.execPath, [commandPath, 'queue', 'work', '--json', '--name', name, ...args], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    workers.push(child);
    const state = { child, said: '' };
    child.stdout.on('data', (text: Buffer) => (state.said += text.toString()));
    const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
    return Object.assign(state, { ended });
  }
  const until = (met: () => boolean | Promise<boolean>) =>
    expect.poll(met, { timeout: 50_000, interval: 50 }).toBe(true);
  const status = async () =>
    JSON.parse((await queue('status', '--json')).stdout) as {
      counts: Record<string, number>;
      failed: { title: string; failures: { reason: string }[] }[];
    };

  test('makes what a run makes, to the byte, with two workers of which one is killed in the middle', async () => {
    newQueue();
    await using folder = await folderWith({ 'p.yaml': pipeline() });
    expect((await deepearth(['run', folder.file('p.yaml'), '-o', folder.file('whole')])).status).toBe(0);
    const adding = queue('add', folder.file('p.yaml'), '--jobs', '4', '-o', folder.file('out'), '--wait');
    const first = worker('--lock-seconds', '1');
    await until(() => first.said.includes('"started"'));
    first.child.kill('SIGKILL');
    const second = worker('--lock-seconds', '1', '--until-idle', '1');
    const { status: end, stdout } = await adding;
    expect([end, stdout]).toEqual([
      0,
      expect.stringMatching(/^Added 5 jobs for .*: 4 parts, and what is made of them\.$/m),
    ]);
    expect(await second.ended).toBe(0);
    expect(digests(folder.file('out'))).toEqual(digests(folder.file('whole')));
    expect((await queue('add', folder.file('p.yaml'), '--jobs', '4', '-o', folder.file('out'))).stdout).toMatch(
      /^Nothing new: this pipeline is done, and its results are in .*out\.$/m,
    );
    const { counts, failed } = await status();
    // Four parts, the fit and what three parts place by it, the merge.
    expect([counts['completed'], failed]).toEqual([9, []]);
    rmSync(folder.file('out'), { recursive: true });
    expect((await queue('add', folder.file('p.yaml'), '--jobs', '4', '-o', folder.file('out'))).stdout).toMatch(
      /^Added 5 jobs/,
    );
  });

  test('a result that was made since is not made again, and shards begun beside it are removed', async () => {
    newQueue();
    await using folder = await folderWith({ 'p.yaml': pipeline(48) });
    const [yaml, out] = [folder.file('p.yaml'), folder.file('out')];
    await queue('add', yaml, '--jobs', '2', '-o', out);
    expect((await deepearth(['run', yaml, '-o', out])).status).toBe(0);
    const manifest = readFileSync(join(out, 'manifest.json'), 'utf8');
    // As a job does that began before the result was there.
    expect((await deepearth(['run', yaml, '-o', out, '--shard', '2/2'])).status).toBe(0);
    expect(readdirSync(out)).toContain('.deepearth');
    expect(await worker('--until-idle', '0').ended).toBe(0);
    expect((await status()).counts).toMatchObject({ completed: 5, failed: 0 });
    expect(readdirSync(out)).not.toContain('.deepearth');
    expect(readFileSync(join(out, 'manifest.json'), 'utf8')).toBe(manifest);
  });

  test('SIGTERM ends a worker after the job at hand, which is done', async () => {
    newQueue();
    await using folder = await folderWith({ 'p.yaml': pipeline() });
    await queue('add', folder.file('p.yaml'), '--jobs', '3', '-o', folder.file('out'));
    const one = worker();
    await until(() => one.said.includes('"started"'));
    one.child.kill('SIGTERM');
    expect(await one.ended).toBe(0);
    const { counts } = await status();
    expect(counts).toMatchObject({ completed: 1, active: 0, waiting: 2, failed: 0 });
    const otherwise = ['add', folder.file('p.yaml'), '--jobs', '2', '-o', folder.file('out')] as const;
    const begun = await queue(...otherwise);
    expect([begun.status, begun.stderr]).toEqual([
      2,
      expect.stringContaining('they are 3 parts, and this is one of 2'),
    ]);
    rmSync(folder.file('out'), { recursive: true });
    const waiting = await queue(...otherwise);
    expect([waiting.status, waiting.stderr]).toEqual([
      2,
      expect.stringContaining('in the queue already, cut into other parts'),
    ]);
    // The same cut by time: 6 clips of 2 s in jobs of at most 4 s are 3 jobs.
    const [timed, untold] = await Promise.all([
      queue('add', folder.file('p.yaml'), '--job-seconds', '4', '--clip-seconds', '2', '-o', folder.file('timed')),
      queue('add', folder.file('p.yaml'), '-o', folder.file('untold')),
    ]);
    expect(timed.stdout).toMatch(/^Added 4 jobs for .*timed: 3 parts/);
    expect([untold.status, untold.stderr]).toEqual([
      2,
      expect.stringMatching(/into how many jobs .*\s+Give --jobs 8, or --job-seconds 60 and --clip-seconds/),
    ]);
    expect((await queue('drain')).stdout).toBe('Removed 7 jobs that waited. Jobs at hand go on.\n');
  });

  test('a pipeline that was edited is set aside with the reason, and --wait ends with it', async () => {
    newQueue();
    await using folder = await folderWith({ 'p.yaml': pipeline(16) });
    await queue('add', folder.file('p.yaml'), '--jobs', '1', '-o', folder.file('out'));
    const text = readFileSync(folder.file('p.yaml'), 'utf8');
    writeFileSync(folder.file('p.yaml'), `${text}# edited\n`);
    worker();
    await until(async () => (await status()).failed.length === 1);
    const { failed } = await status();
    expect(failed[0]!.failures.map(({ reason }) => reason)).toEqual(
      Array(3).fill(expect.stringMatching(/p\.yaml was changed after it was queued/)),
    );
    const shown = (await queue('status')).stdout;
    expect(shown).toContain('Set aside (`deepearth queue retry` tries them again):');
    writeFileSync(folder.file('p.yaml'), text);
    expect((await queue('add', folder.file('p.yaml'), '--jobs', '1', '-o', folder.file('out'))).stdout).toBe(
      'Nothing new: all 2 jobs of this pipeline are in the queue, and 1 of them set aside: `deepearth queue status` says why, `deepearth queue retry` tries again.\n',
    );
    expect(await queue('retry', 'other')).toMatchObject({ status: 1, stdout: 'No job other was set aside.\n' });
    expect((await queue('retry')).stdout).toBe('1 job will be tried again.\n');
    await until(async () => (await status()).counts['completed'] === 2);
    expect((await queue('status', '--prometheus')).stdout).toMatch(
      /^deepearth_queue_jobs\{queue="test-\d+",state="completed"\} 2$/m,
    );
    expect((await queue('retry')).stdout).toBe('No job was set aside.\n');
  });
});

test('names that no device has are refused', async () => {
  for (const gpus of ['a', '0,', '0 1', '-1'])
    expect(await deepearth(['queue', 'work', `--gpus=${gpus}`])).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/^error: --gpus: expected numbers of devices/) as string,
    });
});

test('a command that has a channel to the program that started it does not wait for that when it is done', async () => {
  await using folder = await folderWith({ 'p.yaml': pipeline(16) });
  /** Seconds from the last line of a run to its end. */
  const lingering = (): Promise<number> =>
    new Promise((resolve, reject) => {
      const args = [commandPath, 'run', folder.file('p.yaml'), '-o', folder.file('out'), '--overwrite', '--json'];
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore', 'ipc'] });
      let last = NaN;
      child.stdout!.on('data', () => (last = performance.now()));
      child.on('error', reject).on('close', () => resolve((performance.now() - last) / 1000));
    });
  // What is left of a command keeps it for 1 s; a busy machine may take as long once, and not each time.
  let least = Infinity;
  for (let tries = 0; tries < 4 && least >= 0.8; tries++) least = Math.min(least, await lingering());
  expect(least).toBeLessThan(0.8);
});

test('a queue that is not there is an error with its place', async () => {
  const { status, stderr } = await deepearth(['queue', 'status', '--url', 'redis://me:secret@127.0.0.1:1']);
  expect(status).toBe(1);
  expect(stderr).toMatch(/redis:\/\/127\.0\.0\.1:1 cannot be reached: .*ECONNREFUSED/);
  expect(stderr).not.toContain('secret');
});
