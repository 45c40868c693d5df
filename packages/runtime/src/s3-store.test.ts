import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { definePipeline, defineSink, defineSource, spec, use } from '@deepearth/core';
import { run as runGraph } from '@deepearth/core/run';
import type { RunStore } from '@deepearth/core/store';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { folderStore } from './folder-store.ts';
import { s3Store } from './s3-store.ts';
import { md5, S3Imitation } from './testing/s3-imitation.ts';

const sha = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

let s3: S3Imitation;
let env: Record<string, string>;
beforeEach(async () => {
  s3 = new S3Imitation();
  env = await s3.start();
});
afterEach(() => s3.end());

const times = { beatMilliseconds: 30, watchMilliseconds: 240, settleMilliseconds: 300 };
const patience = { tries: 4, firstPauseMilliseconds: 2, timeoutMilliseconds: 2000 };
const open = (prefix = 'out'): RunStore => s3Store(`s3://bucket/${prefix}`, { env, lease: times, patience });
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const large = Buffer.alloc((17 << 20) + 3, 'deep earth ');
const keys = (): string[] => [...s3.objects.keys()].sort();
async function content(store: RunStore, path: string): Promise<Buffer | undefined> {
  const file = await store.get(path);
  return file && Buffer.from(await file.read(0, file.size));
}

describe.each([true, false])('a store in S3, conditional writes: %s', (conditional) => {
  beforeEach(() => void (s3.conditional = conditional));

  test('gives back, lists and removes what was put, and leaves nothing of its own', async () => {
    const store = open();
    const lock = await store.lock();
    const odd = "b/a +(1)'!&<é>.txt";
    expect(await store.put(odd, bytes('one'))).toEqual({ bytes: 3, sha256: sha(bytes('one')) });
    await store.put('a.txt', bytes(''));
    await store.put('c.txt', bytes('c'));
    const listed: string[] = [];
    for await (const { path } of store.list()) listed.push(path);
    expect(listed).toEqual(['a.txt', odd, 'c.txt']);
    expect((await content(store, odd))!.toString()).toBe('one');
    expect(await content(store, 'a.txt')).toHaveLength(0);
    expect(await store.get('none')).toBeUndefined();
    await store.remove('c.txt');
    await store.remove('c.txt');
    for (let i = 0; i < 130; i++) await store.appendJournal(`line ${i}`);
    expect(await store.readJournal()).toEqual(Array.from({ length: 130 }, (_, i) => `line ${i}`));
    expect(keys().filter((key) => key.includes('/journal/'))).toHaveLength(3);
    await store.settle(true);
    expect(keys().filter((key) => key.includes('/journal/'))).toHaveLength(1);
    expect(await open().readJournal()).toHaveLength(130);
    await store.settle(false);
    await lock.release();
    expect(keys()).toEqual(['out/a.txt', `out/${odd}`]);
  });

  test('lets one of several in, and the next when it is out', async () => {
    for (let round = 0; round < 3; round++) {
      const starts = await Promise.allSettled([1, 2, 3].map(() => open().lock()));
      const inside = starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []));
      expect(inside).toHaveLength(1);
      for (const start of starts)
        if (start.status === 'rejected') expect(start.reason).toMatchObject({ code: 'E_OUTPUT_BUSY' });
      await inside[0]!.release();
    }
  });

  test('is taken over from a dead run elsewhere by one of two, and not from a living one', async () => {
    const elsewhere = { pid: 1, host: 'elsewhere', space: 'another', token: 'old' };
    const put = (beat: number): void => {
      const text = Buffer.from(JSON.stringify({ ...elsewhere, beat }));
      s3.objects.set('out/.deepearth/lock', { bytes: text, etag: `"${md5(text)}"` });
    };
    let beat = 0;
    put(beat);
    const timer = setInterval(() => put(++beat), 20);
    await expect(open().lock()).rejects.toMatchObject({ code: 'E_OUTPUT_BUSY' });
    clearInterval(timer);
    const starts = await Promise.allSettled([open().lock(), open().lock()]);
    expect(starts.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const start of starts) if (start.status === 'fulfilled') await start.value.release();
  });

  test('stops a run whose lease another has, which writes nothing any more', async () => {
    const store = open();
    const lock = await store.lock();
    const text = Buffer.from(JSON.stringify({ pid: 1, host: 'elsewhere', token: 'other', beat: 0 }));
    s3.objects.set('out/.deepearth/lock', { bytes: text, etag: '"other"' });
    await new Promise((resolve) => lock.lost!.addEventListener('abort', resolve, { once: true }));
    await expect(store.put('a.txt', bytes('a'))).rejects.toMatchObject({ code: 'E_LOCK_LOST' });
    await lock.release();
    expect(keys()).toEqual(['out/.deepearth/lock']);
  });
});

test('large files go in parts, under the name of their commit, seen and recorded in that order', async () => {
  const store = open();
  const lock = await store.lock();
  const writer = await store.writer('unnamed');
  for (let at = 0; at < large.length; at += 999_999) await writer.append(large.subarray(at, at + 999_999));
  expect(keys()).not.toContain('out/unnamed');
  const stored = await writer.commit(async () => expect(keys()).not.toContain('out/named.bin'), 'named.bin');
  expect(stored).toEqual({ bytes: large.length, sha256: sha(large) });
  expect(s3.log.filter((line) => /partNumber/.test(line))).toHaveLength(3);
  expect((await content(store, 'named.bin'))!.equals(large)).toBe(true);
  expect(s3.uploads.size).toBe(0);
  // The answer to the last request is lost once: the file is there all the same.
  let lost = false;
  s3.fault = (line) => (!lost && /^POST .*uploadId/.test(line) ? ((lost = true), 'lost') : undefined);
  await store.put('again.bin', large);
  expect(lost && (await content(store, 'again.bin'))!.equals(large)).toBe(true);
  // The answer to the first is lost once: the server has begun two uploads then, and keeps none.
  lost = false;
  s3.fault = (line) => (!lost && /^POST .*uploads/.test(line) ? ((lost = true), 'lost') : undefined);
  await store.put('twice.bin', large);
  expect(lost && (await content(store, 'twice.bin'))!.equals(large)).toBe(true);
  expect(s3.uploads.size).toBe(0);
  await store.settle(false);
  await lock.release();
  expect(keys()).toEqual(['out/again.bin', 'out/named.bin', 'out/twice.bin']);
});

test('a large file that fails or is of a killed run is never seen, and its parts are taken back', async () => {
  const store = open();
  const lock = await store.lock();
  s3.fault = (line) => (/partNumber=2/.test(line) ? 500 : undefined);
  await expect(store.put('a.bin', large)).rejects.toMatchObject({ code: 'E_S3_BROKEN' });
  expect(s3.uploads.size).toBe(0);
  await lock.release();
  for (const known of [{ key: 'out/b.bin', id: 'left' }, { key: 'out/b.bin' }]) {
    s3.uploads.set('left', { key: 'out/b.bin', token: 't', parts: new Map([[1, large]]) });
    s3.uploads.set('of another', { key: 'out/b.bin.txt', token: 't', parts: new Map() });
    const mark = Buffer.from(JSON.stringify(known));
    s3.objects.set('out/.deepearth/uploads/t', { bytes: mark, etag: '""' });
    await (await open().lock()).release();
    expect([...s3.uploads.keys()]).toEqual(['of another']);
    expect(keys()).toEqual([]);
  }
});

test('requests are made again after 500, 429 and resets, a few times; errors name bucket and key and no secret', async () => {
  for (const fault of [500, 429, 'reset', 'lost'] as const) {
    let left = 3;
    s3.fault = () => (left-- > 0 ? fault : undefined);
    await open().put('a.txt', bytes('a'));
    expect(left).toBeLessThan(0);
  }
  s3.fault = () => 503;
  const error = await open()
    .put('a.txt', bytes('a'))
    .catch((error: Error) => error);
  expect(error).toMatchObject({ code: 'E_S3_BROKEN', message: expect.stringMatching(/^s3:\/\/bucket\/out\/a\.txt: /) });
  expect(JSON.stringify(error) + String(error)).not.toMatch(/hidden|Signature/);
  s3.fault = () => undefined;
  env = { ...env, AWS_ACCESS_KEY_ID: 'OTHER' };
  await expect(open().put('a.txt', bytes('a'))).rejects.toMatchObject({
    code: 'E_S3',
    message: expect.stringMatching(/AccessDenied/),
  });
  await expect(s3Store('s3://bucket', { env: {} }).get('a')).rejects.toMatchObject({ code: 'E_S3_CREDENTIALS' });
  await expect(
    s3Store('s3://bucket', { env: { ...env, AWS_ENDPOINT_URL: 'http://me:hidden@host' } }).get('a'),
  ).rejects.toMatchObject({ code: 'E_S3_ADDRESS', message: expect.not.stringMatching(/hidden/) });
  for (const address of ['s3://', 's3://b', 's3://bucket/a/../b', 's3://bucket//a//b'])
    expect(() => s3Store(address)).toThrow(expect.objectContaining({ code: 'E_S3_ADDRESS' }));
});

const held: string[] = [];
const options = z.strictObject({ breakAt: z.number().optional() });
const numbers = defineSource({
  type: 'numbers',
  summary: '',
  options,
  examples: [],
  describe: () => ({ output: spec('value', {}, null, 5) }),
  async *process(_, { options: { breakAt }, former }) {
    for (let i = 0; i < 5; i++) {
      if (i === breakAt) throw new Error('broken');
      const file = await former.find(`value-${i}`);
      if (file) held.push(`value-${i}`);
      await file?.close();
      yield { kind: 'value', id: `value-${i}`, key: String(i) };
    }
  },
});
const files = defineSink({
  type: 'files',
  summary: '',
  options: z.strictObject({}),
  examples: [],
  describe: () => ({ output: spec('artifact', {}, null) }),
  each: (item, { output }) =>
    output.write(
      { path: `values/${item.id}.txt`, mediaType: 'text', key: item.key, holds: item.id },
      new TextEncoder().encode(item.id),
    ),
});
const pipeline = (breakAt?: number) =>
  definePipeline([use(numbers, breakAt === undefined ? {} : { breakAt }), use(files)]);

test('a run that failed is resumed, and leaves the bytes that a folder holds', async () => {
  const folder = await mkdtemp(join(tmpdir(), 's3-store-test-'));
  try {
    await runGraph(pipeline(), { store: folderStore(folder) }).end;
    await expect(runGraph(pipeline(3), { store: open() }).end).rejects.toThrow('broken');
    held.length = 0;
    await runGraph(pipeline(), { store: open(), resume: true }).end;
    expect(held.length).toBeGreaterThan(0);
    held.length = 0;
    await runGraph(pipeline(), { store: open(), resume: true }).end;
    expect(held).toHaveLength(5);
    const paths = await readdir(join(folder, 'values'));
    expect(keys()).toEqual(['out/manifest.json', ...paths.sort().map((path) => `out/values/${path}`)]);
    for (const path of paths)
      expect(s3.objects.get(`out/values/${path}`)!.bytes).toEqual(await readFile(join(folder, 'values', path)));
    const writes = s3.log.filter((line) => line.startsWith('PUT out/') && !line.includes('.deepearth'));
    expect(writes.at(-1)).toBe('PUT out/manifest.json');
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('a run that is cancelled half-way leaves whole files and a lock that is free', async () => {
  const stop = new AbortController();
  s3.fault = (line) => {
    if (line.startsWith('PUT out/values/value-2')) stop.abort();
    return undefined;
  };
  await expect(runGraph(pipeline(), { store: open(), signal: stop.signal }).end).rejects.toMatchObject({
    code: 'E_CANCELLED',
  });
  await pause(0);
  expect(keys()).not.toContain('out/.deepearth/lock');
  await (await open().lock()).release();
});
