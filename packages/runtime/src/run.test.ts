import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bufferCount, map, toArray, lastValueFrom } from 'rxjs';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import {
  definePipeline,
  defineSink,
  defineSource,
  defineWindower,
  refuse,
  spec,
  use,
  type Artifact,
  type Item,
} from '@deepearth/core';
import { run } from './run.ts';

interface Value extends Item {
  readonly kind: 'value';
  readonly value: number;
}
const value = (n: number): Value => ({ kind: 'value', id: `value-${n}`, key: String(n), value: n });
const given = spec('value', {}, null);

const numbers = (watch: { made: number; closed: number } = { made: 0, closed: 0 }) =>
  defineSource({
    type: 'numbers',
    summary: 'Counts.',
    options: z.strictObject({ count: z.int().min(0).default(5) }),
    examples: [],
    describe: (_, { options }) => ({ output: { ...given, count: options.count } }),
    open: async () => 0,
    async *process(_, { options }) {
      for (let i = 0; i < options.count; i++) {
        watch.made = i + 1;
        yield value(i) as never;
      }
    },
    close: () => void (watch.closed += 1),
  });

const work = (
  type: string,
  each: (item: Value, signal: AbortSignal) => Promise<Value | undefined> | Value | undefined,
  joins?: 'merged',
) =>
  defineWindower({
    type,
    summary: 'Works.',
    options: z.strictObject({}),
    examples: [],
    ...(joins ? { joins } : {}),
    describe: (input) => (input?.kind === 'value' ? { output: input } : refuse(`it needs values, got ${input?.kind}`)),
    each: (item, { signal }) => each(item as never, signal) as never,
  });

const files = defineSink({
  type: 'files',
  summary: 'Writes a file per value.',
  options: z.strictObject({ directory: z.string().default('values') }),
  examples: [],
  joins: 'merged',
  describe: () => ({ output: spec('artifact', {}, null) }),
  each: (item, { output, options }): Promise<Artifact> =>
    output.write(
      { path: `${options.directory}/${item.id}.txt`, mediaType: 'text/plain', key: item.key, holds: item.key },
      new TextEncoder().encode(item.id),
    ),
});

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'run-test-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));
const later = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

describe('a run', () => {
  test('fans out, merges, writes whole files and a manifest that names them', async () => {
    const pipeline = definePipeline([
      use(numbers(), { count: 4 }),
      use(work('left', (item) => ({ ...item, id: `${item.id}-left` }))),
      use(
        work('right', (item) => ({ ...item, id: `${item.id}-right` })),
        {},
        { from: 'numbers' },
      ),
      use(files, {}, { from: ['left', 'right'] }),
    ]);
    const { manifest } = await run(pipeline, { output: folder }).result;
    expect(manifest.status).toBe('done');
    expect(manifest.outputs.map(({ path }) => path)).toEqual(
      [0, 1, 2, 3].flatMap((n) => [`values/value-${n}-left.txt`, `values/value-${n}-right.txt`]),
    );
    expect(manifest.stages.map(({ id, in: taken, out }) => [id, taken, out])).toEqual([
      ['numbers', 0, 4],
      ['left', 4, 4],
      ['right', 4, 4],
      ['files', 8, 8],
    ]);
    expect(JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8'))).toEqual(manifest);
    expect(existsSync(join(folder, '.deepearth'))).toBe(false);
  });

  test('tells its events to whoever subscribes in the same turn', async () => {
    const { events$, result } = run(definePipeline([use(numbers(), { count: 2 }), use(files)]), { output: folder });
    const seen = await lastValueFrom(
      events$.pipe(
        map(({ type }) => type),
        toArray(),
      ),
    );
    await result;
    expect(seen[0]).toBe('run-started');
    expect(seen.at(-1)).toBe('run-finished');
    expect(seen.filter((type) => type === 'artifact')).toHaveLength(2);
  });

  test('keeps the source within the bounds of the edges while a consumer is slow', async () => {
    const watch = { made: 0, closed: 0 };
    let ahead = 0;
    const slow = work('slow', async (item) => {
      await later(1);
      ahead = Math.max(ahead, watch.made - item.value);
      return item;
    });
    const quick = work('quick', (item) => item);
    await run(definePipeline([use(numbers(watch), { count: 300 }), use(quick), use(slow, {}, { from: 'numbers' })]), {
      output: folder,
    }).result;
    expect(ahead).toBeLessThanOrEqual(4);
  });

  test('stops on a failure: names stage and item once, closes every stage, says so in the manifest', async () => {
    const watch = { made: 0, closed: 0 };
    const broken = work('broken', (item) => {
      if (item.value === 3) throw new Error('no such pixel');
      return item;
    });
    const { result } = run(definePipeline([use(numbers(watch), { count: 1000 }), use(broken), use(files)]), {
      output: folder,
    });
    await expect(result).rejects.toThrow('broken (value-3): no such pixel');
    expect(watch.closed).toBe(1);
    expect(watch.made).toBeLessThan(20);
    const manifest = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8'));
    expect(manifest).toMatchObject({ status: 'failed', message: 'broken (value-3): no such pixel' });
    expect(existsSync(join(folder, '.deepearth'))).toBe(false);
  });

  test('skips what fails where that was chosen, and lists it', async () => {
    const broken = work('broken', (item) => {
      if (item.value % 2) throw new Error('odd');
      return item;
    });
    const { manifest } = await run(
      definePipeline([use(numbers(), { count: 4 }), use(broken, {}, { onError: 'skip' }), use(files)]),
      { output: folder },
    ).result;
    expect(manifest.status).toBe('skipped');
    expect(manifest.skipped.map(({ stage, item, message }) => [stage, item, message])).toEqual([
      ['broken', 'value-1', 'broken (value-1): odd'],
      ['broken', 'value-3', 'broken (value-3): odd'],
    ]);
    expect(manifest.outputs).toHaveLength(2);
  });

  test('tries again as often as was asked, then fails', async () => {
    let tries = 0;
    const flaky = (good: number) =>
      work('flaky', (item) => {
        tries += 1;
        if (tries < good) throw new Error('busy');
        return item;
      });
    const once = (good: number) =>
      run(
        definePipeline([
          use(numbers(), { count: 1 }),
          use(flaky(good), {}, { onError: { retry: 2, delaySeconds: 0.001 } }),
        ]),
        { output: folder },
      ).result;
    await once(3);
    expect(tries).toBe(3);
    tries = 0;
    await expect(once(4)).rejects.toThrow('busy');
    expect(tries).toBe(3);
  });

  test('ends cleanly when it is cancelled half-way', async () => {
    const watch = { made: 0, closed: 0 };
    const stop = new AbortController();
    const slow = work('slow', async (item) => {
      if (item.value === 5) stop.abort();
      await later(1);
      return item;
    });
    const { result } = run(definePipeline([use(numbers(watch), { count: 100_000 }), use(slow), use(files)]), {
      output: folder,
      signal: stop.signal,
    });
    await expect(result).rejects.toMatchObject({ code: 'E_CANCELLED' });
    expect(watch.closed).toBe(1);
    const manifest = JSON.parse(await readFile(join(folder, 'manifest.json'), 'utf8'));
    expect(manifest.status).toBe('cancelled');
    expect(manifest.outputs.length).toBe((await readdir(join(folder, 'values'))).length);
  });

  test('runs an RxJS operator as a stage', async () => {
    const pairs = defineWindower({
      type: 'pairs',
      summary: 'Pairs.',
      options: z.strictObject({}),
      examples: [],
      describe: (input) => ({ output: input! }),
      operator: () => (source$) =>
        source$.pipe(
          bufferCount(2),
          map((both) => ({ ...(both[0] as unknown as Value), id: both.map(({ id }) => id).join('+') }) as never),
        ),
    });
    const { manifest } = await run(definePipeline([use(numbers(), { count: 5 }), use(pairs), use(files)]), {
      output: folder,
    }).result;
    expect(manifest.outputs.map(({ path }) => path)).toEqual([
      'values/value-0+value-1.txt',
      'values/value-2+value-3.txt',
      'values/value-4.txt',
    ]);
  });

  test('finds what a former run left only as long as its bytes are the same', async () => {
    const found: (string | undefined)[] = [];
    const looking = defineWindower({
      type: 'look',
      summary: 'Looks for what was left.',
      options: z.strictObject({}),
      examples: [],
      describe: (input) => ({ output: input! }),
      async each(item, { former }) {
        const file = await former.find(item.key);
        found.push(file?.name);
        await file?.close();
        return item as never;
      },
    });
    const pipeline = definePipeline([use(numbers(), { count: 2 }), use(looking), use(files)]);
    await run(pipeline, { output: folder }).result;
    await writeFile(join(folder, 'values/value-1.txt'), 'tampered');
    found.length = 0;
    await run(pipeline, { output: folder, resume: true }).result;
    expect(found).toEqual([join(folder, 'values/value-0.txt'), undefined]);
    found.length = 0;
    await run(pipeline, { output: folder }).result;
    expect(found).toEqual([undefined, undefined]);
  });

  test('removes files of a former run that this one did not write, unless they were changed', async () => {
    const outcome = (count: number) =>
      run(definePipeline([use(numbers(), { count }), use(files)]), { output: folder }).result;
    await outcome(4);
    await writeFile(join(folder, 'values/value-3.txt'), 'mine now');
    await outcome(2);
    expect((await readdir(join(folder, 'values'))).sort()).toEqual(['value-0.txt', 'value-1.txt', 'value-3.txt']);
  });

  test('refuses names that leave the folder, and two files of one name', async () => {
    for (const directory of ['..', '/etc', 'a/../../b', '.deepearth', 'con', 'a\\b']) {
      await expect(
        run(definePipeline([use(numbers(), { count: 1 }), use(files, { directory })]), { output: folder }).result,
      ).rejects.toThrow('no name for a file');
    }
    const twice = definePipeline([use(numbers(), { count: 1 }), use(files), use(files, {}, { from: 'numbers' })]);
    await expect(run(twice, { output: folder }).result).rejects.toThrow(
      'two files of this run are called values/value-0.txt',
    );
  });

  test('refuses to write where another run is writing', async () => {
    let release = (): void => undefined;
    const waiting = new Promise<void>((resolve) => (release = resolve));
    const slow = work('slow', async (item) => (await waiting, item));
    const first = run(definePipeline([use(numbers(), { count: 1 }), use(slow)]), { output: folder });
    await later(50);
    await expect(run(definePipeline([use(numbers(), { count: 1 })]), { output: folder }).result).rejects.toThrow(
      'another run',
    );
    release();
    await first.result;
  });

  test('warns of no leak when many stages listen to the signal of one run', async () => {
    const warnings: Error[] = [];
    const listen = (warning: Error): void => void warnings.push(warning);
    process.on('warning', listen);
    const many = Array.from({ length: 15 }, (_, index) =>
      use(
        work(`work-${index}`, (item) => item),
        {},
        { from: 'numbers' },
      ),
    );
    await run(definePipeline([use(numbers(), { count: 3 }), ...many]), { output: folder }).result;
    await later(20);
    process.off('warning', listen);
    expect(warnings).toEqual([]);
  });

  test('survives no items at all', async () => {
    const { manifest } = await run(
      definePipeline([use(numbers(), { count: 0 }), use(work('idle', (item) => item)), use(files)]),
      { output: folder },
    ).result;
    expect(manifest.outputs).toEqual([]);
  });

  test('says so when the output is a file', async () => {
    await writeFile(join(folder, 'taken'), '');
    await expect(run(definePipeline([use(numbers())]), { output: join(folder, 'taken') }).result).rejects.toThrow(
      'is a file, or lies under one',
    );
  });
});

/** A file system of 256 KiB, where one can be mounted. */
const smallDisk = ((): string | undefined => {
  const path = join(tmpdir(), `run-test-small-${process.pid}`);
  try {
    execFileSync('sh', ['-c', `mkdir -p "$0" && mount -t tmpfs -o size=256k tmpfs "$0"`, path], { stdio: 'ignore' });
    return path;
  } catch {
    return undefined;
  }
})();

describe.skipIf(!smallDisk)('on a full disk (skipped where no small file system can be mounted)', () => {
  afterAll(() => void execFileSync('sh', ['-c', 'umount "$0" && rmdir "$0"', smallDisk!]));

  test('the run fails with a reason, and nothing half-written bears a final name', async () => {
    const large = defineSink({
      type: 'large',
      summary: 'Writes 100 KiB per value.',
      options: z.strictObject({}),
      examples: [],
      describe: () => ({ output: spec('artifact', {}, null) }),
      each: (item, { output }): Promise<Artifact> =>
        output.write(
          { path: `large/${item.id}.bin`, mediaType: 'application/octet-stream', key: item.key },
          new Uint8Array(100 * 1024),
        ),
    });
    const output = join(smallDisk!, 'out');
    await expect(run(definePipeline([use(numbers(), { count: 5 }), use(large)]), { output }).result).rejects.toThrow(
      'no space is left on the disk',
    );
    const written = await readdir(join(output, 'large'));
    for (const name of written) expect((await stat(join(output, 'large', name))).size).toBe(100 * 1024);
    expect(written.length).toBeGreaterThan(0);
    expect(existsSync(join(output, '.deepearth'))).toBe(false);
  });
});
