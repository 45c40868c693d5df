// Fits that shards share: the bytes of a run that was not cut, whatever of them is there when the merge begins.

import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import {
  defineEncoder,
  definePipeline,
  defineSource,
  defineWindower,
  InputError,
  lineage,
  spec,
  tensor,
  use,
  type Clip,
  type Frame,
  type Pipeline,
  type TokenGrid,
} from '@deepearth/core';
import type { FormerRun } from '@deepearth/core/stage';
import { readTokenFile } from '@deepearth/formats/token-file';
import { kmeansStage } from '@deepearth/reducers/stages/kmeans';
import { pcaStage } from '@deepearth/reducers/stages/pca';
import { umapStage } from '@deepearth/reducers/stages/umap';
import { prepareMerge } from '@deepearth/runtime/merge-shards';
import { run } from '@deepearth/runtime/run';
import { preparePlacing } from '@deepearth/runtime/shard-fits';
import { placesFolder, prepareShard, shardFolder, shardsFolder } from '@deepearth/runtime/shards';
import { features } from '@deepearth/sinks/features';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shard-fits-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Numbers of frames whose content has changed. */
const changed = new Set<number>();
/** How many clips were encoded, and how many grids a merge took from those that shards had placed. */
const seen = { encoded: 0, placed: 0 };
beforeEach(() => {
  changed.clear();
  Object.assign(seen, { encoded: 0, placed: 0 });
});

const frames = defineSource({
  type: 'numbers',
  summary: 'Frames.',
  options: z.strictObject({ count: z.int().default(7) }),
  examples: [],
  describe: (_, { options: { count } }) => ({
    output: { ...spec('frame', { height: 1, width: 1, channels: 3 }, 'uint8', count), sequences: ['numbers'] },
  }),
  async *process(_, { options: { count }, frameRange }) {
    const { first, end } = frameRange('numbers');
    for (let number = first; number < Math.min(end, count); number++)
      yield {
        kind: 'frame',
        id: `frame-${number}`,
        key: lineage(number, changed.has(number)),
        sequence: 'numbers',
        number,
        width: 1,
        height: 1,
        locator: { source: 'source/numbers', uri: 'numbers', index: number },
        read: async () => ({ values: tensor('uint8', [1, 1, 3], new Uint8Array(3)), channels: [] }),
      } satisfies Frame;
  },
});
const singles = defineWindower({
  type: 'singles',
  summary: 'A clip of each frame.',
  options: z.strictObject({}),
  joins: 'merged',
  examples: [],
  describe: (input) => ({
    output: { ...spec('clip', { time: 1 }, 'uint8', input!.count), counts: [input!.count!] },
  }),
  framesOf: (clips) => clips,
  each: (frame: Frame): Clip => ({
    kind: 'clip',
    id: `clip-${frame.number}`,
    key: frame.key,
    sequence: frame.sequence,
    index: frame.number,
    frames: [frame],
    padded: 0,
  }),
});

const shape = [2, 3, 4, 8];
/** Tokens that depend on the clip; some see no data, -0 is among them. */
function tokensOf(clip: Clip): Pick<TokenGrid, 'values' | 'valid'> {
  const salt = clip.index * 1000 + (changed.has(clip.index) ? 7 : 0);
  const values = Float32Array.from({ length: 192 }, (_, i) =>
    i % 50 === 0 ? -0 : Math.sin(i * 12.9898 + salt) * (1 + (i % 8)) + clip.index,
  );
  return {
    values: tensor('float32', shape, values),
    ...(clip.index % 3 === 1 && { valid: Uint8Array.from({ length: 24 }, (_, i) => (i % 5 === 2 ? 0 : 255)) }),
  };
}
const encoder = defineEncoder({
  type: 'made',
  summary: 'Makes tokens.',
  options: z.strictObject({ skipped: z.int().default(-1) }),
  examples: [],
  describe: (input) => ({
    output: spec('tokens', { time: 2, height: 3, width: 4, channels: 8 }, 'float32', input!.count),
  }),
  async *process(clips: AsyncIterable<Clip>, { former, attempt, options }): AsyncGenerator<TokenGrid> {
    for await (const clip of clips) {
      const key = lineage('made', clip.key);
      const file = await former.find(key);
      const made = file
        ? await readTokenFile(file).finally(() => file.close())
        : await attempt(clip, () => {
            if (clip.index === options.skipped) throw new InputError(clip.id, 'cannot be encoded.');
            seen.encoded++;
            return tokensOf(clip);
          });
      if (!made) continue;
      yield {
        kind: 'tokens',
        id: clip.id,
        key,
        values: made.values,
        ...(made.valid && { valid: made.valid }),
        axes: ['time', 'height', 'width', 'channels'],
        origin: { kind: 'picture', geometry: { frameWidth: 1, frameHeight: 1, x: 0, y: 0, width: 1, height: 1 } },
        clip,
        encoder: { name: 'made', fingerprint: '0' },
      };
    }
  },
});

interface Parts {
  readonly count?: number;
  readonly umap?: boolean;
  readonly whiten?: boolean;
  readonly skipped?: number;
}
const pipeline = ({ count = 7, umap = false, whiten = false, skipped = -1 }: Parts = {}): Pipeline =>
  definePipeline([
    use(frames, { count }),
    use(singles),
    use(encoder, { skipped }, { onError: 'skip' }),
    use(pcaStage, { whiten, saveAs: 'pca.safetensors' }, { from: 'made' }),
    use(kmeansStage, { clusters: 3, maxFitTokens: 60 }, { from: 'made' }),
    ...(umap ? [use(umapStage, { epochs: 5, neighbors: 5 }, { from: 'made' })] : []),
    use(features, {}, { from: ['made', 'pca', 'kmeans', ...(umap ? ['umap'] : [])] }),
  ]);

const out = (): string => join(folder, 'out');

async function encode(index: number, of: number, parts: Parts): Promise<void> {
  const { empty, clips, ...ready } = await prepareShard(pipeline(parts), out(), { index, of });
  if (!empty) await run(ready.pipeline, { output: ready.output, resume: true, ...(clips && { clips }) }).end;
}
/** Whether there was something to place, with the reasons why fits were left to the merge. */
async function place(index: number, of: number, parts: Parts, left: string[] = []): Promise<boolean> {
  const ready = await preparePlacing(
    pipeline(parts),
    out(),
    { index, of },
    { onLeft: (_, reason) => left.push(reason) },
  );
  if (!ready || ready.empty) return ready !== undefined;
  const { output, clips, former } = ready;
  await run(ready.pipeline, { output, resume: true, former: [former], ...(clips && { clips }) }).end;
  return true;
}
async function merged(parts: Parts): Promise<Record<string, string>> {
  const ready = await prepareMerge(pipeline(parts), out());
  const former: FormerRun = {
    async find(key) {
      const file = await ready.tokens.find(key);
      if (file && key.startsWith('place:')) seen.placed++;
      return file;
    },
  };
  await run(pipeline(parts), { output: out(), resume: true, former: [former] }).end;
  await ready.remove();
  return contents(out());
}
/** All files of a folder with their content; of the manifest without its times. */
async function contents(path: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const entry of await readdir(path, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    const text = await readFile(file, 'latin1');
    const plain = (): string =>
      JSON.stringify(JSON.parse(text), (name, value: unknown) => (/^(times|busySeconds)$/.test(name) ? null : value));
    found[relative(path, file)] = entry.name === 'manifest.json' ? plain() : text;
  }
  return found;
}
async function whole(parts: Parts): Promise<Record<string, string>> {
  const output = await mkdtemp(join(folder, 'whole-'));
  await run(pipeline(parts), { output }).end;
  return contents(output);
}
const all = (of: number): readonly number[] => Array.from({ length: of }, (_, at) => at + 1);

describe('fits of shards', () => {
  test('give every byte of a run that was not cut, for any number of shards and whichever have placed', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc
          .integer({ min: 1, max: 9 })
          .chain((count) =>
            fc
              .integer({ min: 1, max: 6 })
              .chain((of) =>
                fc.record({ count: fc.constant(count), of: fc.constant(of), placing: fc.subarray([...all(of)]) }),
              ),
          ),
        async ({ count, of, placing }) => {
          await rm(out(), { recursive: true, force: true });
          const parts = { count };
          const expected = await whole(parts);
          for (const index of all(of)) await encode(index, of, parts);
          Object.assign(seen, { encoded: 0, placed: 0 });
          let clips = 0;
          for (const index of placing) {
            expect(await place(index, of, parts)).toBe(true);
            const { job } = await prepareShard(pipeline(parts), out(), { index, of });
            clips += job.count!;
          }
          expect(await merged(parts)).toEqual(expected);
          expect(seen).toEqual({ encoded: 0, placed: 2 * clips });
        },
      ),
      { numRuns: 6 },
    );
  }, 60_000);

  test('hold for UMAP, placed by all shards at the same time, and make the merge place none', async () => {
    const parts = { umap: true };
    const expected = await whole(parts);
    for (const index of all(3)) await encode(index, 3, parts);
    expect(await Promise.all(all(3).map((index) => place(index, 3, parts)))).toEqual([true, true, true]);
    expect((await readdir(shardsFolder(out()))).sort()).toEqual([
      '1-of-3',
      '1-of-3-placed',
      '2-of-3',
      '2-of-3-placed',
      '3-of-3',
      '3-of-3-placed',
      'fits',
      'work-list.json',
    ]);
    expect(await readdir(join(placesFolder(out(), { index: 1, of: 3 }), 'places'))).toHaveLength(2 * 3);
    expect(await merged(parts)).toEqual(expected);
    expect(seen.placed).toBe(3 * 7);
  }, 60_000);

  test('wait for all shards', async () => {
    await encode(1, 2, {});
    expect(await place(1, 2, {})).toBe(false);
    await encode(2, 2, {});
    expect(await place(1, 2, {})).toBe(true);
  });

  test('are not used for what has changed since: the merge fits anew', async () => {
    for (const index of all(3)) await encode(index, 3, {});
    for (const index of all(3)) await place(index, 3, {});
    changed.add(5);
    const expected = await whole({});
    seen.encoded = 0;
    expect(await merged({})).toEqual(expected);
    expect(seen).toEqual({ encoded: 1, placed: 2 * 5 });
  });

  test('are not used with other options, by shards or by the merge', async () => {
    for (const index of all(2)) await encode(index, 2, {});
    const left: string[] = [];
    await place(1, 2, { whiten: true }, left);
    expect(left).toEqual([expect.stringContaining('other options')]);
    await place(2, 2, {});
    expect(await merged({ whiten: true })).toEqual(await whole({ whiten: true }));
  });

  test('of clips that were skipped leave the fit to the merge', async () => {
    const parts = { skipped: 1 };
    const expected = await whole(parts);
    for (const index of all(3)) await encode(index, 3, parts);
    const left: string[] = [];
    await place(1, 3, parts, left);
    expect(left).toEqual([expect.stringContaining('missing'), expect.stringContaining('missing')]);
    expect(await merged(parts)).toEqual(expected);
  });

  test('whose files are damaged are made again', async () => {
    const expected = await whole({});
    for (const index of all(2)) await encode(index, 2, {});
    await place(1, 2, {});
    const places = join(placesFolder(out(), { index: 1, of: 2 }), 'places');
    const [first] = await readdir(places);
    const bytes = await readFile(join(places, first!));
    bytes[0]! ^= 1;
    await writeFile(join(places, first!), bytes);
    const parts = join(shardFolder(out(), { index: 2, of: 2 }), 'parts');
    for (const name of await readdir(parts)) await rm(join(parts, name));
    await rm(join(shardsFolder(out()), 'fits'), { recursive: true });
    // The shard is not whole any more.
    expect(await place(2, 2, {})).toBe(false);
    await encode(2, 2, {});
    expect(await merged({})).toEqual(expected);
  });
});
