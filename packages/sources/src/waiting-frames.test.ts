import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRegistry, type Clip, type Frame, type ReadOptions } from '@deepearth/core';
import { itemShelf } from '@deepearth/core/item-shelf';
import { memoryScratch } from '@deepearth/core/memory-store';
import { encodeSafetensors } from '@deepearth/formats/safetensors';
import { describeTokenFile } from '@deepearth/formats/token-file';
import { runStage } from '@deepearth/runtime/run-stage';
import { makeTokens } from '@deepearth/testing';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { features } from './features.ts';
import { frames } from './frames.ts';
import { stages } from './stages.ts';
import { synthetic } from './synthetic.ts';
import { weather } from './weather.ts';

const size = { width: 32, height: 24 };
const registry = createRegistry(stages);
const reads: ReadOptions[] = [{}, { overview: 3 }, { window: { x: 2, y: 1, width: 7, height: 5 }, overview: 2 }];

/** Puts pictures into a folder; returns their paths. */
async function pictures(folder: string): Promise<string[]> {
  const paths: string[] = [];
  for (const number of [1, 2]) {
    const { data } = weather({ ...size, seed: number }).draw(0);
    paths.push(join(folder, `f${number}.png`));
    await writeFile(
      paths.at(-1)!,
      await sharp(data, { raw: { ...size, channels: 3 } })
        .png()
        .toBuffer(),
    );
  }
  return paths;
}

/** Tokens of the pictures of a folder. */
async function tokens(folder: string): Promise<string> {
  const paths = await pictures(folder);
  const [grid] = makeTokens({ count: 1 });
  const found = paths.map((uri, at) => ({
    ...grid!.clip!.frames[at]!,
    ...size,
    locator: { source: 'source/frames', uri },
  }));
  const { tensors, metadata } = describeTokenFile({ ...grid!, clip: { ...grid!.clip!, frames: found } });
  const path = join(folder, 'tokens.safetensors');
  await writeFile(path, await encodeSafetensors(tensors, metadata));
  return path;
}

const shelve = async (shelf: ReturnType<typeof itemShelf>, found: readonly Frame[]): Promise<Clip> => {
  const shelved = await shelf.put<Clip>({
    kind: 'clip',
    id: 'c',
    key: 'c',
    sequence: 's',
    index: 0,
    padded: 0,
    frames: found,
  });
  expect(shelved).not.toHaveProperty('handles');
  return shelf.take(shelved);
};

const sources: [string, (folder: string) => AsyncIterable<Frame>][] = [
  ['source/synthetic', () => runStage(synthetic, { options: { ...size, count: 2 } })],
  [
    'source/frames',
    async function* (folder) {
      await pictures(folder);
      yield* runStage(frames, { options: { directory: folder } });
    },
  ],
  [
    'source/features',
    async function* (folder) {
      const path = await tokens(folder);
      for await (const { clip } of runStage(features, { options: { path }, registry })) yield* clip!.frames;
    },
  ],
];

test.each(sources)('frames of %s wait as records, and are read through what was kept of them', async (_, open) => {
  const folder = await mkdtemp(join(tmpdir(), 'waiting-'));
  const shelf = itemShelf(memoryScratch());
  let seen = 0;
  try {
    for await (const frame of open(folder)) {
      const before = [];
      for (const options of reads) before.push(await frame.read(options));
      // Who decodes the file again finds none.
      await rm(frame.locator.uri, { force: true });
      const [waited] = (await shelve(shelf, [frame])).frames;
      expect({ ...waited, read: undefined }).toEqual({ ...frame, read: undefined });
      for (const [at, options] of reads.entries()) expect(await waited!.read(options)).toEqual(before[at]);
      seen++;
    }
  } finally {
    await rm(folder, { recursive: true });
  }
  expect(seen).toBe(2);
});
