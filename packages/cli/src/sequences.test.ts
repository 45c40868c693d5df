import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { definePipeline, use, type Artifact, type Clip, type StageUse } from '@deepearth/core';
import { run } from '@deepearth/runtime';
import { vjepa2 } from '@deepearth/model-vjepa2/vjepa2';
import { pcaStage } from '@deepearth/reducers/stages/pca';
import { overlay } from '@deepearth/renderers/overlay';
import { panelsRenderer } from '@deepearth/renderers/panels';
import { tokens } from '@deepearth/renderers/tokens';
import { features } from '@deepearth/sinks/features';
import { gif } from '@deepearth/sinks/gif';
import { pictures } from '@deepearth/sinks/pictures';
import { frames } from '@deepearth/sources/frames';
import { tile } from '@deepearth/transforms/tile';
import { sliding } from '@deepearth/windowers/sliding';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { folderWith } from './testing/spawn.ts';

/** A folder of `count` grey pictures of 64 x 48 pixels, numbered from 0. */
async function camera(folder: string, name: string, count: number, grey: number): Promise<string> {
  const path = join(folder, name);
  await mkdir(path, { recursive: true });
  for (let number = 0; number < count; number++)
    await sharp({
      create: { width: 64, height: 48, channels: 3, background: { r: grey + number, g: grey, b: 255 - grey } },
    })
      .png()
      .toFile(join(path, `${number}.png`));
  return path;
}

const encoder = (from: string): StageUse => use(vjepa2, { cropSize: 32 }, { id: 'tokens', from });

describe('two folders in one graph', () => {
  it('give no clip of both, and equal frame numbers do not collide', async () => {
    await using folder = await folderWith({});
    const [north, south] = [await camera(folder.path, 'north', 20, 40), await camera(folder.path, 'south', 16, 120)];
    const pipeline = definePipeline([
      use(frames, { directory: north }, { id: 'north' }),
      use(frames, { directory: south }, { id: 'south' }),
      use(sliding, { size: 8 }, { from: ['north', 'south'] }),
      encoder('sliding'),
      use(features, {}, { from: 'tokens' }),
      use(pcaStage, {}, { from: 'tokens' }),
      use(overlay),
      use(gif, {}, { from: 'overlay' }),
      use(pictures, {}, { from: 'overlay' }),
      use(panelsRenderer, {}, { id: 'panels', from: ['north', 'overlay'] }),
      use(pictures, { directory: 'panels' }, { id: 'panel-files', from: 'panels' }),
    ]);
    const running = run(pipeline, { output: folder.file('out') });
    const clips: Clip[] = [];
    running.items$('sliding').subscribe((item) => void clips.push(item as Clip));
    const { manifest } = await running.result;
    expect(clips.map(({ id, padded }) => [id, padded])).toEqual([
      ['north/clip-000000', 0],
      ['north/clip-000001', 0],
      ['north/clip-000002', 4],
      ['south/clip-000000', 0],
      ['south/clip-000001', 0],
    ]);
    for (const { sequence, frames: own } of clips)
      expect(own.every((frame) => frame.sequence === sequence && frame.locator.uri.includes(`/${sequence}/`))).toBe(
        true,
      );

    const of = (layer: string, start: string): Artifact['about'][] =>
      manifest.outputs
        .filter(({ path, about }) => path.startsWith(start) && about?.layer === layer)
        .map(({ about }) => about);
    expect(of('pca-overlay', 'gif').map((about) => [about!.sequence, about!.frames!.length])).toEqual([
      ['north', 20],
      ['south', 16],
    ]);
    expect(
      new Set(of('pca-overlay', 'pictures').map((about) => `${about!.sequence} ${about!.frames!.join()}`)).size,
    ).toBe(36);
    // The panel beside a frame of one camera is a picture of the same camera, or black.
    const panels = of('panels', 'panels');
    expect(panels.map((about) => about!.sequence)).toEqual([...Array(20).fill('north'), ...Array(16).fill('south')]);
    const paths = manifest.outputs.map(({ path }) => path);
    expect(paths).toContain('features/south/features_frames_0000_0007.safetensors');
    expect(new Set(paths).size).toBe(paths.length);
  });

  it('keep the names that one has by itself', async () => {
    await using folder = await folderWith({});
    const north = await camera(folder.path, 'north', 8, 40);
    const pipeline = definePipeline([
      use(frames, { directory: north }),
      use(sliding, { size: 8 }),
      encoder('sliding'),
      use(features, {}, { from: 'tokens' }),
    ]);
    const { manifest } = await run(pipeline, { output: folder.file('out') }).result;
    expect(manifest.outputs.map(({ path }) => path)).toEqual(['features/features_frames_0000_0007.safetensors']);
  });
});

describe('tiles of frames', () => {
  it('are clips of one place each, and their pictures are those of the place', async () => {
    await using folder = await folderWith({});
    const scene = await camera(folder.path, 'scene', 8, 80);
    const pipeline = definePipeline([
      use(frames, { directory: scene }),
      use(tile, { size: 32 }),
      use(sliding, { size: 4 }),
      encoder('sliding'),
      use(pcaStage, {}, { from: 'tokens' }),
      use(tokens, { per: 'frame' }, { id: 'squares', from: 'pca' }),
      use(panelsRenderer, { gapPixels: 0 }, { id: 'panels', from: ['tile', 'squares'] }),
      use(pictures, {}, { from: 'panels' }),
    ]);
    const running = run(pipeline, { output: folder.file('out') });
    const clips: Clip[] = [];
    running.items$('sliding').subscribe((item) => void clips.push(item as Clip));
    const { manifest } = await running.result;
    const places = [0, 1].flatMap((row) => [0, 1].map((column) => `scene/r0${row}c0${column}`));
    expect(clips.map(({ id }) => id).sort()).toEqual(
      places.flatMap((place) => [0, 1].map((i) => `${place}/clip-00000${i}`)),
    );
    for (const { frames: own } of clips)
      expect(new Set(own.map(({ footprint }) => JSON.stringify(footprint))).size).toBe(1);
    const shown = manifest.outputs.map(({ about }) => `${about!.sequence} ${about!.frames!.join()}`);
    expect(new Set(shown).size).toBe(32);
    expect(manifest.outputs).toHaveLength(32);
  });
});
