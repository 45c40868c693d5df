import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tensor, type TokenGrid } from '@deepearth/core';
import { writePt } from '@deepearth/formats/pt-writer';
import { runStage } from '@deepearth/runtime/run-stage';
import sharp from 'sharp';
import { afterAll, expect, test } from 'vitest';
import { features } from './features.ts';

const root = await mkdtemp(join(tmpdir(), 'python-grids-'));
afterAll(() => rm(root, { recursive: true, force: true }));

async function read(name: string, value: Parameters<typeof writePt>[0]): Promise<TokenGrid[]> {
  const path = join(root, name);
  await writeFile(path, writePt(value));
  const found: TokenGrid[] = [];
  for await (const item of runStage(features, { options: { path, frames: root } })) found.push(item as TokenGrid);
  return found;
}
const values = (tokens: number) =>
  tensor(
    'float32',
    [tokens, 3],
    Float32Array.from({ length: 3 * tokens }, (_, i) => i),
  );

test('a window of the old extractor becomes a grid over the centre crop of frames found by name', async () => {
  for (const number of [4, 5])
    await sharp({ create: { width: 360, height: 360, channels: 3, background: '#123456' } })
      .png()
      .toFile(join(root, `f${number}.png`));
  const [grid] = await read('features_frames_0004_0005.pt', {
    features: values(576),
    model_info: { model_name: 'some/model', num_output_temporal: 1, spatial_grid_size: 24 },
    metadata: { window_idx: 2, frame_numbers: [4, 5], frame_files: ['f4.png', 'f5.png'] },
  });
  expect(grid!.values.shape).toEqual([1, 24, 24, 3]);
  expect(grid!.clip).toMatchObject({ id: 'clip-000002', index: 2, padded: 0 });
  expect(grid!.clip!.frames.map(({ number, width, locator }) => [number, width, locator.uri])).toEqual([
    [4, 360, join(root, 'f4.png')],
    [5, 360, join(root, 'f5.png')],
  ]);
  // 384 of 438 pixels after the resize.
  expect(grid!.origin).toMatchObject({ geometry: { x: 27 * (360 / 438), width: 384 * (360 / 438) } });
});

test('a chunk of the old image extractor becomes one grid for each picture, also where the picture is gone', async () => {
  const grids = await read('features_chunk_0001.pt', {
    'gone/a.jpg': { features: values(8 * 4), metadata: {} },
    'gone/b.jpg': { features: values(8 * 4), metadata: {} },
  });
  expect(grids.map(({ values: { shape } }) => shape)).toEqual([
    [8, 2, 2, 3],
    [8, 2, 2, 3],
  ]);
  expect(new Set(grids.map(({ key }) => key)).size).toBe(2);
  expect(grids.map(({ clip }) => clip!.frames[0]!.locator.uri)).toEqual(['gone/a.jpg', 'gone/b.jpg']);
});
