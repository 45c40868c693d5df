// What a run knows of the files of the runs before it, however they ended.

import { execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import {
  defineSink,
  definePipeline,
  defineSource,
  sha256,
  spec,
  use,
  type Artifact,
  type Frame,
  type Item,
  type Manifest,
} from '@deepearth/core';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { folderStore } from './folder-store.ts';
import { run } from './run.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'books-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));
const out = (...parts: string[]): string => join(folder, 'out', ...parts);
const manifest = async (): Promise<Manifest> => JSON.parse(await readFile(out('manifest.json'), 'utf8')) as Manifest;

/** Counts to `count`, and breaks or waits for ever at one number. */
const numbers = defineSource<
  z.ZodType<{ count: number; breakAt?: number | undefined; input?: string | undefined }>,
  undefined,
  undefined,
  Item,
  Frame
>({
  type: 'numbers',
  summary: 'Counts.',
  options: z.strictObject({
    count: z.int().default(5),
    breakAt: z.int().optional(),
    input: z.string().optional(),
  }) as never,
  examples: [],
  describe: (_, { options }) => ({ output: spec('value', {}, null, options.count) }),
  async *process(_, { options, recordInput }) {
    if (options.input) recordInput({ path: options.input, bytes: 1, sha256: '0' });
    for (let i = 0; i < options.count; i++) {
      if (i === options.breakAt) throw new Error('broken');
      yield { kind: 'value', id: `value-${i}`, key: String(i) } as never;
    }
  },
});
const held: string[] = [];
const files = defineSink({
  type: 'files',
  summary: 'Writes a file for each value, unless a former run has left it.',
  options: z.strictObject({ directory: z.string().default('values') }),
  examples: [],
  describe: () => ({ output: spec('artifact', {}, null) }),
  async each(item, { output, options, former }): Promise<Artifact> {
    const left = await former.find(item.key);
    if (left) held.push(item.id);
    await left?.close();
    return output.write(
      { path: `${options.directory}/${item.id}.txt`, mediaType: 'text/plain', key: item.key, holds: item.key },
      new TextEncoder().encode(item.id),
    );
  },
});
type Options = { count?: number; breakAt?: number; input?: string; directory?: string };
const start = ({ directory, ...options }: Options = {}, more: { resume?: boolean; signal?: AbortSignal } = {}) => {
  held.length = 0;
  const removed: string[] = [];
  const running = run(
    definePipeline([use(numbers, options as never), use(files, { ...(directory && { directory }) })]),
    {
      output: out(),
      ...more,
    },
  );
  running.events$.subscribe((event) => event.type === 'removed' && removed.push(event.path));
  return running.result.then(() => removed);
};

describe('what earlier runs proved', () => {
  test('stays proven when a run fails or is cancelled, and is found by the next', async () => {
    await start({ count: 5 });
    await expect(start({ count: 5, breakAt: 0 })).rejects.toThrow('broken');
    expect(await manifest()).toMatchObject({ status: 'failed', outputs: [] });
    expect((await manifest()).former).toHaveLength(5);
    await expect(start({ count: 5, breakAt: 2 }, { resume: true })).rejects.toThrow('broken');
    expect(held).toContain('value-0');
    const { outputs, former } = await manifest();
    expect(outputs.length).toBeGreaterThan(0);
    expect(new Set([...outputs, ...former!].map(({ path }) => path)).size).toBe(5);
    const stop = new AbortController();
    stop.abort();
    await expect(start({}, { signal: stop.signal })).rejects.toThrow();
    await start({ count: 5 }, { resume: true });
    expect(held).toHaveLength(5);
    expect((await manifest()).former).toBeUndefined();
  });

  test('is removed once a run ends without writing it, said file by file, also after one that failed', async () => {
    await start({ count: 6 });
    await expect(start({ count: 6, breakAt: 1 })).rejects.toThrow('broken');
    expect(await readdir(out('values'))).toHaveLength(6);
    expect(await start({ count: 4 })).toEqual(['values/value-4.txt', 'values/value-5.txt']);
    expect(await readdir(out('values'))).toHaveLength(4);
  });

  test('survives a torn last line of the journal, which swallows none of the next', async () => {
    await start({ count: 1 });
    await mkdir(out('.deepearth'));
    await writeFile(out('.deepearth', 'journal.jsonl'), '{"path":"values/torn.txt","sha');
    const store = folderStore(out());
    await store.appendJournal('{"a":1}', '{"b":2}');
    await store.appendJournal('{"c":3}');
    expect((await store.readJournal()).slice(1)).toEqual(['{"a":1}', '{"b":2}', '{"c":3}']);
    await store.settle(true);
    await start({ count: 2 }, { resume: true });
    expect(held).toEqual(['value-0']);
  });

  test('is known of a run that was killed, which is why its files may be replaced', async () => {
    // A process that dies while it writes, again and again, at any moment; the dist is what it runs.
    const program = `
      import { definePipeline, defineSink, defineSource, spec, use } from '@deepearth/core';
      import { run } from '@deepearth/runtime';
      import { z } from 'zod';
      const numbers = defineSource({ type: 'numbers', summary: '', options: z.strictObject({}), examples: [],
        describe: () => ({ output: spec('value', {}, null) }),
        async *process() { for (let i = 0; i < 400; i++) yield { kind: 'value', id: 'value-' + i, key: String(i) }; } });
      const files = defineSink({ type: 'files', summary: '', options: z.strictObject({}), examples: [],
        describe: () => ({ output: spec('artifact', {}, null) }),
        each: (item, { output }) => output.write({ path: 'values/' + item.id + '.txt', mediaType: 'text', key: item.key, holds: item.key }, new TextEncoder().encode(item.id)) });
      console.log('go');
      await run(definePipeline([use(numbers), use(files)]), { output: process.argv[2] }).result;`;
    const path = join(import.meta.dirname, '..', `killed-${process.pid}.mjs`);
    await writeFile(path, program);
    try {
      for (let round = 0; round < 4; round++) {
        const child = spawn(process.execPath, [path, out()], { stdio: ['ignore', 'pipe', 'inherit'] });
        await new Promise((resolve) => child.stdout.once('data', resolve));
        // At least one run gets so far that it leaves files, however slow the disk.
        while (round === 3 && (await readdir(out('values')).catch(() => [])).length === 0) await pause(5);
        await pause(20 + round * 15);
        child.kill('SIGKILL');
        await new Promise((resolve) => child.once('exit', resolve));
      }
      const before = await readdir(out('values')).catch(() => []);
      await start({ count: 3 });
      expect(before.length).toBeGreaterThan(0);
      expect((await readdir(out('values'))).sort()).toEqual(['value-0.txt', 'value-1.txt', 'value-2.txt']);
      expect(existsSync(out('.deepearth'))).toBe(false);
    } finally {
      await rm(path);
    }
  });
});

describe('files that are not a run’s own', () => {
  test('are never replaced', async () => {
    await mkdir(out('values'), { recursive: true });
    await writeFile(out('values', 'value-1.txt'), 'mine');
    await expect(start({ count: 3 })).rejects.toThrow(
      /values\/value-1\.txt: is there already, and no run has written it/,
    );
    expect(await readFile(out('values', 'value-1.txt'), 'utf8')).toBe('mine');
    await rm(out(), { recursive: true });
    await mkdir(out());
    for (const content of ['{"name":"my package"}', 'no json', '[]']) {
      await writeFile(out('manifest.json'), content);
      await expect(start()).rejects.toThrow(/manifest\.json: is there already, and no run has written it/);
      expect(await readFile(out('manifest.json'), 'utf8')).toBe(content);
    }
  });

  test('are not removed for a manifest that names them, nor read', async () => {
    await start({ count: 2 });
    await writeFile(join(folder, 'victim.txt'), 'data');
    await mkdir(join(folder, 'elsewhere'));
    await writeFile(join(folder, 'elsewhere', 'victim.txt'), 'data');
    await symlink(join(folder, 'elsewhere'), out('linked'));
    await symlink(join(folder, 'victim.txt'), out('values', 'link.txt'));
    execFileSync('mkfifo', [out('pipe')]);
    const digest = sha256(new TextEncoder().encode('data'));
    const paths = [
      '../victim.txt',
      join(folder, 'victim.txt'),
      'linked/victim.txt',
      'values/link.txt',
      'pipe',
      'values/../../victim.txt',
      'manifest.json',
    ];
    const written = await manifest();
    const hostile = paths.map((path) => ({
      path,
      bytes: 4,
      sha256: digest,
      mediaType: 'text/plain',
      key: path,
      holds: 'value-9',
      stage: 'files',
    }));
    await writeFile(out('manifest.json'), JSON.stringify({ ...written, outputs: [...written.outputs, ...hostile] }));
    expect(await start({ count: 2 }, { resume: true })).toEqual([]);
    expect(await readFile(join(folder, 'victim.txt'), 'utf8')).toBe('data');
    expect(await readFile(join(folder, 'elsewhere', 'victim.txt'), 'utf8')).toBe('data');
    expect(existsSync(out('pipe'))).toBe(true);
  });

  test('that a run has read stay, also where an earlier run wrote them', async () => {
    await start({ count: 4 });
    expect(await start({ count: 1, input: out('values', 'value-2.txt') })).toEqual([
      'values/value-1.txt',
      'values/value-3.txt',
    ]);
    expect((await readdir(out('values'))).sort()).toEqual(['value-0.txt', 'value-2.txt']);
  });

  test('are not written through links', async () => {
    await mkdir(out(), { recursive: true });
    await mkdir(join(folder, 'elsewhere'));
    await symlink(join(folder, 'elsewhere'), out('values'));
    await expect(start({ count: 1 })).rejects.toThrow(/values\/value-0\.txt: lies under a link or a file/);
    expect(await readdir(join(folder, 'elsewhere'))).toEqual([]);
    await rm(out(), { recursive: true });
    await mkdir(out());
    await symlink(join(folder, 'elsewhere'), out('.deepearth'));
    await expect(start({ count: 1 })).rejects.toThrow(/\.deepearth: is a link/);
  });

  test('are left alone when they were changed since', async () => {
    await start({ count: 3 });
    await appendFile(out('values', 'value-2.txt'), ' and more');
    expect(await start({ count: 1 })).toEqual(['values/value-1.txt']);
    expect(await readdir(out('values'))).toContain('value-2.txt');
  });
});
