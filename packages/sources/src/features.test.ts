import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRegistry, sha256, type TokenGrid } from '@deepearth/core';
import { encodeSafetensors } from '@deepearth/formats/safetensors';
import { describeTokenFile } from '@deepearth/formats/token-file';
import { runStage } from '@deepearth/runtime/run-stage';
import { describeStage, makeTokens } from '@deepearth/testing';
import sharp from 'sharp';
import { afterAll, expect, test } from 'vitest';
import { features } from './features.ts';
import { stages } from './stages.ts';

const root = await mkdtemp(join(tmpdir(), 'features-source-'));
afterAll(() => rm(root, { recursive: true, force: true }));

async function store(folder: string, tokens: readonly TokenGrid[]): Promise<string> {
  await mkdir(folder, { recursive: true });
  for (const [index, grid] of tokens.entries()) {
    const { tensors, metadata } = describeTokenFile(grid);
    await writeFile(join(folder, `tokens_${9 - index}.safetensors`), await encodeSafetensors(tensors, metadata));
  }
  return folder;
}
const made = makeTokens({ count: 4 });
const good = await store(join(root, 'good'), made);
const other = await store(join(root, 'other'), makeTokens({ count: 4, seed: 2 }));
const bad = await store(join(root, 'bad'), made);
await writeFile(join(bad, 'tokens_8.safetensors'), new Uint8Array(5));

describeStage(features, {
  options: { path: good },
  otherOptions: { path: other },
  broken: { options: { path: bad }, says: /tokens_8\.safetensors/, left: 3 },
  output(found) {
    // In order of clips, although the names run the other way.
    expect(found.map(({ clip }) => clip!.index)).toEqual([0, 1, 2, 3]);
    found.forEach((tokens, index) => {
      const { clip, values, axes, origin, encoder } = made[index]!;
      expect(tokens).toMatchObject({ id: clip!.id, axes, origin, encoder });
      expect(tokens.values).toEqual(values);
      expect(tokens.clip!.frames.map(({ key }) => key)).toEqual(clip!.frames.map(({ key }) => key));
    });
  },
});

test('frames that have moved are found by their file name and are proven by their digest', async () => {
  const [tokens] = makeTokens({ count: 1 });
  const { width, height } = tokens!.clip!.frames[0]!;
  const picture = await sharp({ create: { width, height, channels: 3, background: '#204060' } })
    .png()
    .toBuffer();
  const moved = join(root, 'moved');
  await mkdir(moved);
  const frames = tokens!.clip!.frames.map((frame) => ({
    ...frame,
    locator: { source: 'source/frames', uri: `/gone/f${frame.number}.png`, sha256: sha256(picture) },
  }));
  for (const { number } of frames) await writeFile(join(moved, `f${number}.png`), picture);
  const path = await store(join(root, 'of-moved'), [{ ...tokens!, clip: { ...tokens!.clip!, frames } }]);
  const registry = createRegistry(stages);
  for await (const grid of runStage(features, { options: { path, frames: moved }, registry })) {
    const raster = await (grid as TokenGrid).clip!.frames[1]!.read();
    expect([...raster.values.data.slice(0, 3)]).toEqual([0x20, 0x40, 0x60]);
    await writeFile(join(moved, 'f0.png'), new Uint8Array([...picture, 0]));
    // A frame of its own key that has not been read yet.
    await expect((grid as TokenGrid).clip!.frames[0]!.read()).rejects.toThrow(/has changed/);
  }
  for await (const grid of runStage(features, { options: { path }, registry }))
    await expect((grid as TokenGrid).clip!.frames[0]!.read()).rejects.toThrow(/\/gone\/f0\.png/);
});
