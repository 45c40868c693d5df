// Shards of a pipeline in one output folder, and the one result that is made of them.

import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import {
  defineEncoder,
  definePipeline,
  defineReducer,
  defineSink,
  defineSource,
  defineWindower,
  InputError,
  lineage,
  spec,
  tensor,
  use,
  type Artifact,
  type Clip,
  type Frame,
  type Pipeline,
  type TokenGrid,
} from '@deepearth/core';
import { encodeSafetensors } from '@deepearth/formats/safetensors';
import { describeTokenFile, readTokenFile } from '@deepearth/formats/token-file';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { folderStore } from './folder-store.ts';
import { isBusy } from './is-busy.ts';
import { clearMerged, isMerged, MissingShardsError, prepareMerge } from './merge-shards.ts';
import { openStore } from './open-store.ts';
import { isMadeSince, resultMark } from './result-mark.ts';
import { run } from './run.ts';
import { prepareShard, shardFolder, shardsFolder } from './shards.ts';
import { S3Imitation } from './testing/s3-imitation.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shards-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));
const out = (...parts: string[]): string => join(folder, 'out', ...parts);

const frames = defineSource({
  type: 'numbers',
  summary: 'Frames.',
  options: z.strictObject({
    count: z.int().default(9),
    sequence: z.string().default('numbers'),
    content: z.string().default(''),
  }),
  examples: [],
  describe: (_, { options: { count, sequence } }) => ({
    output: { ...spec('frame', { height: 1, width: 1, channels: 3 }, 'uint8', count), sequences: [sequence] },
  }),
  async *process(_, { options: { count, sequence, content }, frameRange }) {
    const { first, end } = frameRange(sequence);
    for (let number = first; number < Math.min(end, count); number++)
      yield {
        kind: 'frame',
        id: `${sequence}-${number}`,
        // What a file holds is not known before it is read.
        key: lineage(sequence, number, content || (await changed(number))),
        sequence,
        number,
        width: 1,
        height: 1,
        locator: { source: 'source/numbers', uri: sequence, index: number },
        read: async () => ({ values: tensor('uint8', [1, 1, 3], new Uint8Array(3)), channels: [] }),
      } satisfies Frame;
  },
});
/** Numbers of frames whose content has changed. */
const others = new Set<number>();
const changed = async (number: number): Promise<string> => (others.has(number) ? 'other' : 'first');
afterEach(() => others.clear());

const singles = defineWindower({
  type: 'singles',
  summary: 'A clip of each frame.',
  options: z.strictObject({}),
  joins: 'merged',
  examples: [],
  describe: (input) => ({
    output: {
      ...spec('clip', { time: 1 }, 'uint8', input!.count),
      ...(input!.count !== null && { counts: [input!.count] }),
    },
  }),
  framesOf: (clips) => clips,
  each: (frame: Frame): Clip => ({
    kind: 'clip',
    id: `clip-${frame.sequence}-${frame.number}`,
    key: frame.key,
    sequence: frame.sequence,
    index: frame.number,
    frames: [frame],
    padded: 0,
  }),
});

/** Ids of clips that were encoded. */
const encoded: string[] = [];
beforeEach(() => void (encoded.length = 0));
const encoder = defineEncoder({
  type: 'counting',
  summary: 'Encodes and counts.',
  options: z.strictObject({
    scale: z.number().default(1),
    device: z.string().default('here'),
    broken: z.int().default(-1),
  }),
  placement: ['device', 'broken'],
  examples: [],
  describe: (input) => ({ output: spec('tokens', { time: 1, channels: 2 }, 'float32', input!.count) }),
  async *process(clips: AsyncIterable<Clip>, { options, former, attempt }): AsyncGenerator<TokenGrid> {
    for await (const clip of clips) {
      const key = lineage('counting', options.scale, clip.key);
      const file = await former.find(key);
      const encode = () => {
        if (clip.index === options.broken) throw new InputError(clip.id, 'cannot be encoded.');
        encoded.push(clip.id);
        return tensor('float32', [1, 2], Float32Array.of(clip.index * options.scale, -0));
      };
      const values = file
        ? await readTokenFile(file)
            .then((stored) => stored.values)
            .finally(() => file.close())
        : await attempt(clip, encode);
      const origin = { kind: 'picture', geometry: { frameWidth: 1, frameHeight: 1, x: 0, y: 0, width: 1, height: 1 } };
      if (values)
        yield {
          kind: 'tokens',
          id: clip.id,
          key,
          values,
          axes: ['time', 'channels'],
          origin,
          clip,
          encoder: { name: 'counting', fingerprint: '0' },
        };
    }
  },
});

/** The mean of all tokens, which nothing less than all tokens give. */
const total = defineReducer({
  type: 'total',
  summary: 'Adds up.',
  options: z.strictObject({ factor: z.number().default(1) }),
  examples: [],
  describe: () => ({ output: spec('total', {}, null, 1), drains: true }),
  async *process(grids: AsyncIterable<TokenGrid>, { options }) {
    let sum = 0;
    const keys: string[] = [];
    for await (const { values, key } of grids) {
      sum += values.data[0]! * options.factor;
      keys.push(key);
    }
    yield { kind: 'total', id: 'total', key: lineage(keys), sum } as never;
  },
});
const files = defineSink({
  type: 'files',
  summary: 'Writes.',
  options: z.strictObject({}),
  examples: [],
  describe: () => ({ output: spec('artifact', {}, null) }),
  each: (item, { output }): Promise<Artifact> =>
    output.write(
      { path: `${item.id}.json`, mediaType: 'application/json', key: item.key },
      new TextEncoder().encode(JSON.stringify(item)),
    ),
});

/** Writes what shards keep, which the merge need not write again. */
const copies = defineSink({
  type: 'copies',
  summary: 'Writes tokens.',
  options: z.strictObject({ note: z.string().optional() }),
  examples: [],
  describe: () => ({ output: spec('artifact', {}, null) }),
  async each(grid: TokenGrid, { output, options }): Promise<Artifact> {
    const { tensors, metadata } = describeTokenFile(grid);
    return output.write(
      { path: `copies/${grid.id}.safetensors`, mediaType: 'application/x-safetensors', key: grid.key, holds: grid.key },
      await encodeSafetensors(tensors, { ...metadata, ...(options.note !== undefined && { note: options.note }) }),
    );
  },
});

interface Parts {
  readonly count?: number;
  readonly content?: string;
  readonly scale?: number;
  readonly device?: string;
  readonly broken?: number;
  readonly factor?: number;
  readonly onError?: 'skip';
}
const pipeline = ({ count, content, factor, onError, ...encoding }: Parts = {}): Pipeline =>
  definePipeline([
    use(frames, { ...(count !== undefined && { count }), ...(content && { content }) }),
    use(singles),
    use(encoder, encoding, onError ? { onError } : {}),
    use(total, { ...(factor && { factor }) }),
    use(files),
  ]);

async function shard(index: number, of: number, parts: Parts = {}, output = out()): Promise<string | undefined> {
  const { empty, clips, ...ready } = await prepareShard(pipeline(parts), output, { index, of });
  if (empty) return undefined;
  const { status } = await run(ready.pipeline, { output: ready.output, resume: true, ...(clips && { clips }) }).end;
  return status;
}
async function merge(parts: Parts = {}, keep = false, output = out()): Promise<void> {
  const ready = await prepareMerge(pipeline(parts), output);
  await run(pipeline(parts), { output, resume: true, former: [ready.tokens] }).end;
  if (!keep) await ready.remove();
}

/** All files of a folder with their content; of the manifest without its times. */
async function contents(path: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const entry of await readdir(path, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    const text = await readFile(file, 'latin1');
    found[relative(path, file)] =
      entry.name === 'manifest.json' ? JSON.stringify({ ...(JSON.parse(text) as object), times: null }) : text;
  }
  return found;
}
async function whole(parts: Parts = {}): Promise<Record<string, string>> {
  const output = join(folder, 'whole');
  await run(pipeline(parts), { output }).end;
  encoded.length = 0;
  return contents(output);
}

describe('shards', () => {
  test.each([
    [1, [1]],
    [3, [1, 2, 3]],
    [3, [3, 1, 2]],
    [12, [12, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]],
  ])('of %d, run as %j, give the files and the manifest of a run that was not cut', async (of, order) => {
    const expected = await whole();
    const ends: (string | undefined)[] = [];
    for (const index of order) ends.push(await shard(index, of));
    // A clip is not cut: of more shards than clips some have nothing to do.
    expect(ends.filter((end) => end === 'done')).toHaveLength(Math.min(of, 9));
    expect(ends.filter((end) => end === undefined)).toHaveLength(Math.max(0, of - 9));
    expect(encoded.toSorted()).toEqual(Array.from({ length: 9 }, (_, i) => `clip-numbers-${i}`));
    encoded.length = 0;
    await merge();
    expect(encoded).toEqual([]);
    expect(await contents(out())).toEqual(expected);
  });

  test.each([
    ['the same bytes get a second name of the same file', undefined, 2],
    ['other bytes are written', 'mine', 1],
  ])('whose tokens a sink keeps: %s', async (_, note, names) => {
    const kept = definePipeline([
      use(frames),
      use(singles),
      use(encoder),
      use(copies, note === undefined ? {} : { note }),
    ]);
    await run(kept, { output: join(folder, 'whole') }).end;
    const expected = await contents(join(folder, 'whole'));
    for (const index of [1, 2]) {
      const { output, clips, pipeline: part } = await prepareShard(kept, out(), { index, of: 2 });
      await run(part, { output, resume: true, ...(clips && { clips }) }).end;
    }
    const ready = await prepareMerge(kept, out());
    const merged = () => run(kept, { output: out(), resume: true, former: [ready.tokens] }).end;
    await merged();
    const links = async (): Promise<number[]> =>
      Promise.all(Object.keys(expected).map(async (path) => (await stat(out(path))).nlink));
    expect((await links()).toSorted()).toEqual([1, ...Array<number>(9).fill(names)]);
    // A merge that was killed after its last file, and one that finds a file gone.
    await merged();
    await rm(out('copies', 'clip-numbers-3.safetensors'));
    await merged();
    await ready.remove();
    expect(await contents(out())).toEqual(expected);
  });

  test('run all at once, and one that is run again makes nothing anew', async () => {
    const expected = await whole();
    await Promise.all([1, 2, 3, 4].map((index) => shard(index, 4)));
    expect(encoded).toHaveLength(9);
    await shard(2, 4);
    expect(encoded).toHaveLength(9);
    await merge();
    expect(encoded).toHaveLength(9);
    expect(await contents(out())).toEqual(expected);
  });

  test('that are missing, failed or no longer whole are named, each with its reason', async () => {
    await expect(prepareMerge(pipeline(), out())).rejects.toMatchObject({ code: 'E_NO_SHARDS' });
    await shard(1, 4);
    await expect(shard(2, 4, { broken: 3 })).rejects.toThrow('cannot be encoded');
    await shard(3, 4);
    const kept = join(shardFolder(out(), { index: 3, of: 4 }), 'tokens');
    const [gone] = await readdir(kept);
    await rm(join(kept, gone!));
    const error = await prepareMerge(pipeline(), out()).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(MissingShardsError);
    expect((error as MissingShardsError).code).toBe('E_SHARDS_MISSING');
    expect((error as MissingShardsError).missing).toEqual([
      { index: 2, of: 4, reason: 'its run ended as "failed"' },
      { index: 3, of: 4, reason: `tokens/${gone} is gone` },
      { index: 4, of: 4, reason: 'it has not begun' },
    ]);
    encoded.length = 0;
    for (const index of [2, 3, 4]) await shard(index, 4);
    // What shard 2 had made before it failed, and the file of shard 3 that was left, are not made again.
    expect(encoded).not.toContain('clip-numbers-2');
    await merge();
    expect(await contents(out())).toEqual(await whole());
  });

  test('of other options, another number or another input are refused; where and how fast is free', async () => {
    await shard(1, 2);
    const refused = (index: number, of: number, parts: Parts) =>
      shard(index, of, parts).then(
        () => 'ran',
        (error: { code: string; message: string }) => `${error.code} ${error.message}`,
      );
    expect(await refused(2, 2, { scale: 2 })).toMatch(/^E_SHARDS_DIFFER .*counting\.scale is 1 there and 2 here/);
    expect(await refused(2, 2, { content: 'x' })).toMatch(/numbers\.content is "" there and "x" here/);
    expect(await refused(2, 3, {})).toMatch(/they are 2 parts, and this is one of 3/);
    expect(await refused(2, 2, { count: 10 })).toMatch(/numbers\.count is 9 there and 10 here/);
    expect(await refused(2, 2, { device: 'there', factor: 3 })).toBe('ran');
    await expect(prepareMerge(pipeline({ scale: 2 }), out())).rejects.toMatchObject({ code: 'E_SHARDS_DIFFER' });
  });

  test('that begin together with different options agree on one', async () => {
    const answers = await Promise.allSettled(
      Array.from({ length: 8 }, (_, i) => shard((i % 4) + 1, 4, { scale: i < 4 ? 1 : 2 })),
    );
    const ran = answers.flatMap(({ status }, i) => (status === 'fulfilled' ? [i < 4 ? 1 : 2] : []));
    expect(ran).toHaveLength(4);
    expect(new Set(ran).size).toBe(1);
    await merge({ scale: ran[0]! });
    expect(await contents(out())).toEqual(await whole({ scale: ran[0]! }));
  });

  test('are one at a time under each name', async () => {
    const lock = await folderStore(shardFolder(out(), { index: 1, of: 2 })).lock();
    await expect(shard(1, 2)).rejects.toMatchObject({ code: 'E_OUTPUT_BUSY' });
    expect(await shard(2, 2)).toBe('done');
    await lock.release();
    await shard(1, 2);
    const ready = await prepareMerge(pipeline(), out());
    await run(pipeline(), { output: out(), resume: true, former: [ready.tokens] }).end;
    const again = await folderStore(shardFolder(out(), { index: 2, of: 2 })).lock();
    await expect(ready.remove()).rejects.toMatchObject({ code: 'E_OUTPUT_BUSY' });
    await again.release();
    await ready.remove();
    expect(await readdir(out())).toEqual(['manifest.json', 'total.json']);
  });
});

describe('a merge', () => {
  test('encodes what has changed since the shards ran, and what lies in no shard any more or is damaged', async () => {
    await Promise.all([1, 2, 3].map((index) => shard(index, 3)));
    others.add(4);
    const expected = await whole();
    const kept = join(shardFolder(out(), { index: 3, of: 3 }), 'tokens');
    const [damaged] = await readdir(kept);
    const bytes = await readFile(join(kept, damaged!));
    bytes[bytes.length - 1]! ^= 1;
    await writeFile(join(kept, damaged!), bytes);
    await merge();
    expect(encoded).toHaveLength(2);
    expect(encoded).toContain('clip-numbers-4');
    expect(await contents(out())).toEqual(expected);
  });

  test('skips what a shard skipped, and says so as the whole run would', async () => {
    const parts = { broken: 3, onError: 'skip' } as const;
    const expected = await whole(parts);
    for (const index of [1, 2]) await shard(index, 2, parts);
    await merge(parts);
    expect(await contents(out())).toEqual(expected);
    expect(JSON.parse(expected['manifest.json']!)).toMatchObject({ status: 'skipped' });
  });

  test('may be made again with other options of what follows, as long as the shards are kept', async () => {
    for (const index of [1, 2]) await shard(index, 2);
    encoded.length = 0;
    await merge({}, true);
    await merge({ factor: 2 });
    expect(encoded).toEqual([]);
    expect(await contents(out())).toEqual(await whole({ factor: 2 }));
  });

  test('that was killed while it removed the shards leaves nothing for ever, and has been made', async () => {
    for (const index of [1, 2]) await shard(index, 2);
    expect(await isMerged(pipeline(), out())).toBe(false);
    await merge();
    await mkdir(out('.deepearth/merged/1-of-2/tokens'), { recursive: true });
    await expect(prepareMerge(pipeline(), out())).rejects.toMatchObject({ code: 'E_NO_SHARDS' });
    expect(await isMerged(pipeline({ factor: 2 }), out())).toBe(false);
    expect(await isMerged(pipeline(), out())).toBe(true);
    expect(await readdir(out())).toEqual(['manifest.json', 'total.json']);
    await mkdir(out('.deepearth/merged/1-of-2/tokens'), { recursive: true });
    await run(pipeline(), { output: out() }).end;
    expect(await readdir(out())).toEqual(['manifest.json', 'total.json']);
  });
});

describe.each([
  ['a folder', () => out()],
  ['S3', () => 's3://bucket/out'],
])('a result in %s', (_, place) => {
  beforeEach(async () => {
    const s3 = new S3Imitation();
    for (const [name, value] of Object.entries(await s3.start())) vi.stubEnv(name, value);
    return async () => {
      vi.unstubAllEnvs();
      await s3.end();
    };
  });
  const paths = async (): Promise<string[]> => {
    const found: string[] = [];
    for (const prefix of [undefined, '.deepearth/'])
      for await (const { path } of openStore(place()).list(prefix)) found.push(path);
    return found.sort();
  };

  test('is made since when it is whole, of this very pipeline, and not the one that lay there before', async () => {
    const [nothing, other] = [
      await resultMark(pipeline(), place()),
      await resultMark(pipeline({ factor: 2 }), place()),
    ];
    const made = () => Promise.all([nothing, other].map((mark) => isMadeSince(mark, place())));
    expect(await made()).toEqual([false, false]);
    await expect(run(pipeline({ broken: 3 }), { output: place() }).end).rejects.toThrow('cannot be encoded');
    expect(await made()).toEqual([false, false]);
    await run(pipeline(), { output: place(), resume: true }).end;
    expect(await made()).toEqual([true, false]);
    const there = await resultMark(pipeline(), place());
    expect(await isMadeSince(there, place())).toBe(false);
    await run(pipeline(), { output: place() }).end;
    expect(await isMadeSince(there, place())).toBe(true);
    const store = openStore(place());
    const lock = await store.lock();
    await store.put('manifest.json', new TextEncoder().encode('{"status":'));
    await lock.release();
    expect(await isMadeSince(there, place())).toBe(false);
  });

  test('frees itself of shards that were begun again, unless one is being run', async () => {
    await run(pipeline(), { output: place() }).end;
    const before = await paths();
    await shard(2, 3, {}, place());
    expect(await paths()).not.toEqual(before);
    const lock = await openStore(shardFolder(place(), { index: 2, of: 3 })).lock();
    await expect(clearMerged(place())).rejects.toMatchObject({ code: 'E_OUTPUT_BUSY' });
    await lock.release();
    for (const _ of [1, 2]) {
      await clearMerged(place());
      expect(await paths()).toEqual(before);
    }
  });

  test('is busy while a run holds its lock', async () => {
    expect(await isBusy(place())).toBe(false);
    const lock = await openStore(place()).lock();
    expect(await isBusy(place())).toBe(true);
    await lock.release();
    expect(await isBusy(place())).toBe(false);
    expect(await paths()).toEqual([]);
  });
});

test('a pipeline without an encoder has shards without work', async () => {
  const none = definePipeline([use(frames), use(files)]);
  expect(await prepareShard(none, out(), { index: 2, of: 2 })).toMatchObject({ empty: true });
  const ready = await prepareMerge(none, out());
  await run(none, { output: out(), resume: true, former: [ready.tokens] }).end;
  await ready.remove();
  expect(await readdir(out())).toHaveLength(10);
});

test('shards are not begun where results of another pipeline lie, or under a link', async () => {
  await run(definePipeline([use(frames), use(files)], { name: 'other' }), { output: out() }).end;
  await expect(shard(1, 2)).rejects.toMatchObject({ code: 'E_OTHER_PIPELINE' });
  const ready = await prepareShard(pipeline(), out(), { index: 1, of: 2 }, { overwrite: true });
  await run(ready.pipeline, { output: ready.output, clips: ready.clips! }).end;
  expect(await readdir(out())).toHaveLength(11);
  await mkdir(join(folder, 'linked'));
  await symlink(tmpdir(), join(folder, 'linked', '.deepearth'));
  await expect(shard(1, 2, {}, join(folder, 'linked'))).rejects.toMatchObject({ code: 'E_LINK' });
  expect(shardsFolder(out())).toBe(out('.deepearth', 'shards'));
});

describe('shards on S3', () => {
  const s3Out = 's3://bucket/out';
  let s3: S3Imitation;
  beforeEach(async () => {
    s3 = new S3Imitation();
    for (const [name, value] of Object.entries(await s3.start())) vi.stubEnv(name, value);
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await s3.end();
  });
  const keys = (): string[] => [...s3.objects.keys()].sort();
  /** The objects of the result, as `contents` gives files. */
  const made = (): Record<string, string> =>
    Object.fromEntries(
      keys().map((key) => {
        const text = s3.objects.get(key)!.bytes.toString('latin1');
        const isManifest = key === 'out/manifest.json';
        return [
          key.slice('out/'.length),
          isManifest ? JSON.stringify({ ...(JSON.parse(text) as object), times: null }) : text,
        ];
      }),
    );

  test('are merged to what a folder holds, and leave nothing', async () => {
    const expected = await whole();
    for (const index of [3, 1, 2]) await shard(index, 3, {}, s3Out);
    const before = encoded.length;
    await merge({}, false, s3Out);
    expect(encoded).toHaveLength(before);
    expect(made()).toEqual(expected);
    expect(await isMerged(pipeline(), s3Out)).toBe(true);
  });

  test('two workers on one leave one result', async () => {
    const expected = await whole();
    const both = await Promise.allSettled([shard(1, 2, {}, s3Out), shard(1, 2, {}, s3Out)]);
    expect(both.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThan(0);
    for (const each of both)
      if (each.status === 'rejected') expect(each.reason).toMatchObject({ code: 'E_OUTPUT_BUSY' });
    await shard(2, 2, {}, s3Out);
    await merge({}, false, s3Out);
    expect(made()).toEqual(expected);
  });

  test('that are missing or of other work are refused', async () => {
    await expect(prepareMerge(pipeline(), s3Out)).rejects.toMatchObject({ code: 'E_NO_SHARDS' });
    await shard(1, 2, {}, s3Out);
    await expect(prepareMerge(pipeline(), s3Out)).rejects.toMatchObject({
      code: 'E_SHARDS_MISSING',
      missing: [{ index: 2, of: 2, reason: 'it has not begun' }],
    });
    await expect(shard(1, 3, {}, s3Out)).rejects.toMatchObject({ code: 'E_SHARDS_DIFFER' });
    await expect(shard(2, 2, { scale: 2 }, s3Out)).rejects.toMatchObject({ code: 'E_SHARDS_DIFFER' });
    await shard(2, 2, {}, s3Out);
    s3.objects.delete(keys().find((key) => key.includes('/2-of-2/tokens/'))!);
    await expect(prepareMerge(pipeline(), s3Out)).rejects.toMatchObject({ missing: [{ index: 2 }] });
  });

  test('that a killed merge has left are removed by the next', async () => {
    for (const index of [1, 2]) await shard(index, 2, {}, s3Out);
    await merge({}, true, s3Out);
    // What they agreed on goes first.
    s3.objects.delete('out/.deepearth/shards/work-list.json');
    expect(await isMerged(pipeline(), s3Out)).toBe(true);
    expect(keys().filter((key) => key.includes('.deepearth'))).toEqual([]);
  });

  test('that are being run again stay', async () => {
    for (const index of [1, 2]) await shard(index, 2, {}, s3Out);
    const lock = await openStore(shardFolder(s3Out, { index: 1, of: 2 })).lock();
    await expect(merge({}, false, s3Out)).rejects.toMatchObject({ code: 'E_OUTPUT_BUSY' });
    await lock.release();
    await merge({}, false, s3Out);
    expect(keys().filter((key) => key.includes('.deepearth'))).toEqual([]);
  });
});
