import { mkdtemp, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { definePipeline, use } from '@deepearth/core';
import { vjepa2 } from '@deepearth/model-vjepa2/vjepa2';
import { pcaStage } from '@deepearth/reducers/stages/pca';
import { umapStage } from '@deepearth/reducers/stages/umap';
import { overlay } from '@deepearth/renderers/overlay';
import { panelsRenderer } from '@deepearth/renderers/panels';
import { stacked } from '@deepearth/renderers/stacked';
import { run } from '@deepearth/runtime';
import { pictures } from '@deepearth/sinks/pictures';
import { frames, type FramesOptions } from '@deepearth/sources/frames';
import { weather } from '@deepearth/sources/weather';
import { sliding } from '@deepearth/windowers/sliding';
import sharp from 'sharp';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';

/** How often each file was decoded, and how often it was read. */
const times = vi.hoisted(() => ({ decoded: new Map<string, number>(), read: new Map<string, number>() }));
const count = (of: Map<string, number>, name: string): void => void of.set(name, (of.get(name) ?? 0) + 1);

vi.mock('@deepearth/vision/decode-picture', async (original) => {
  const { decodePicture } = await original<typeof import('@deepearth/vision/decode-picture')>();
  return {
    decodePicture: (...given: Parameters<typeof decodePicture>) => {
      count(times.decoded, basename(given[0].name));
      return decodePicture(...given);
    },
  };
});
vi.mock('@deepearth/vision/picture-file', async (original) => {
  const module = await original<typeof import('@deepearth/vision/picture-file')>();
  return {
    ...module,
    readPictureFile: (...given: Parameters<typeof module.readPictureFile>) => {
      count(times.read, basename(given[0] as string));
      return module.readPictureFile(...given);
    },
  };
});

const size = { width: 120, height: 80 };
const frameBytes = size.width * size.height * 3;
const numbers = Array.from({ length: 40 }, (_, number) => number);
const fileOf = (number: number): string => `f${String(number).padStart(2, '0')}.png`;

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'decoding-'));
  await mkdir(join(folder, 'frames'));
  const world = weather({ ...size, seed: 3 });
  for (const number of numbers)
    await writeFile(
      join(folder, 'frames', fileOf(number)),
      await sharp(world.draw(number).data, { raw: { ...size, channels: 3 } })
        .png()
        .toBuffer(),
    );
});
afterAll(() => rm(folder, { recursive: true }));
beforeEach(() => {
  times.decoded.clear();
  times.read.clear();
});

/** Clips that overlap, two reducers, three renderers, and memory for three frames of a clip's sixteen. */
async function work(name: string, options: Partial<FramesOptions>) {
  const { manifest } = await run(
    definePipeline([
      use(frames, { directory: join(folder, 'frames'), cacheBytes: 3 * frameBytes, ...options }),
      use(sliding, { size: 16, stride: 12 }),
      use(vjepa2, { cropSize: 64, device: 'cpu' }, { id: 'tokens' }),
      use(pcaStage, {}, { id: 'pca', from: 'tokens' }),
      use(umapStage, { epochs: 20 }, { id: 'umap', from: 'tokens' }),
      use(overlay, {}, { id: 'overlay', from: 'pca' }),
      use(stacked, {}, { id: 'stacked', from: 'umap' }),
      use(panelsRenderer, {}, { id: 'panels', from: ['frames', 'overlay', 'stacked'] }),
      use(pictures, {}, { id: 'pictures', from: ['overlay', 'stacked', 'panels'] }),
    ]),
    { output: join(folder, name) },
  ).result;
  expect(manifest.status).toBe('done');
  expect(manifest.outputs).toHaveLength(3 * numbers.length);
  expect(await readdir(join(folder, name), { recursive: true })).not.toContainEqual(expect.stringMatching(/\.pixels$/));
  return manifest.outputs.map(({ path, sha256 }) => `${path} ${sha256}`);
}

test('each frame is decoded once for an encoder, two reducers and three renderers, and costs no pixel', async () => {
  const kept = await work('kept', {});
  expect(times.decoded).toEqual(new Map(numbers.map((number) => [fileOf(number), 1])));
  // The header of the first is read for the plan.
  expect(times.read).toEqual(new Map(numbers.map((number) => [fileOf(number), number === 0 ? 2 : 1])));

  times.decoded.clear();
  const anew = await work('anew', { spillBytes: 0 });
  expect(Math.min(...times.decoded.values())).toBeGreaterThanOrEqual(4);
  expect(anew).toEqual(kept);
});
