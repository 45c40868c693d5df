import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { definePipeline, use } from '@deepearth/core';
import { openGeoTiff, writeCog } from '@deepearth/eo';
import { geotiffSink } from '@deepearth/eo/geotiff/sink';
import { geotiffSource } from '@deepearth/eo/geotiff/source';
import { vjepa2 } from '@deepearth/model-vjepa2/vjepa2';
import { pcaStage } from '@deepearth/reducers/stages/pca';
import { run } from '@deepearth/runtime';
import { seamSteps, tileEdges } from '@deepearth/testing';
import { sliding } from '@deepearth/windowers/sliding';
import { afterAll, beforeAll, expect, test } from 'vitest';

const tile = 128;
const size = 512;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tiled-scene-'));
  for (const date of [1, 2])
    await writeFile(join(folder, `scene_2024-06-0${date}.tif`), await collect(writeCog(texture(date))));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function collect(parts: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const part of parts) all.push(part);
  return Buffer.concat(all);
}

/** Waves of many lengths and directions: steps between neighbours are much the same everywhere. */
function texture(date: number): Parameters<typeof writeCog>[0] {
  const waves = Array.from({ length: 24 }, (_, i) => {
    const [angle, length] = [i * 2.399963, 24 * 1.12 ** i];
    return { x: (Math.cos(angle) * 6.283) / length, y: (Math.sin(angle) * 6.283) / length, phase: i * i + date * 0.2 };
  });
  return {
    width: size,
    height: size,
    bands: 3,
    type: 'uint8',
    crs: 'EPSG:32633',
    transform: [10, 0, 399_960, 0, -10, 5_300_040],
    resampling: 'mean',
    read(part) {
      const out = new Uint8Array(part.width * part.height * 3);
      for (let i = 0; i < out.length / 3; i++) {
        const [x, y] = [part.x + (i % part.width), part.y + Math.floor(i / part.width)];
        for (const [wave, { x: across, y: down, phase }] of waves.entries())
          out[i * 3 + (wave % 3)]! += 16 + 14 * Math.sin(x * across + y * down + phase);
      }
      return out;
    },
  };
}

/** The steps of a map of tiles that share so many pixels. */
async function stepsWith(overlap: number): Promise<{ ratio: number; tiles: number }> {
  const output = join(folder, `overlap-${overlap}`);
  const pipeline = definePipeline([
    use(geotiffSource, { files: `${folder}/*.tif`, tile: { size: tile, overlap } }),
    use(sliding, { size: 2 }),
    use(vjepa2, { fit: 'tile', cropSize: tile, device: 'cpu' }),
    use(pcaStage),
    use(geotiffSink),
  ]);
  const { manifest } = await run(pipeline, { output }).result;
  expect(manifest.status).toBe('done');
  expect(manifest.outputs).toHaveLength(1);
  const raster = await openGeoTiff(join(output, manifest.outputs[0]!.path));
  const { bands, width } = await raster.read();
  await raster.close();
  expect(width).toBe(size / 16);
  const edges = tileEdges(size, tile, overlap).map((at) => at / 16);
  const { ratio } = seamSteps(bands, width, edges);
  return { ratio, tiles: manifest.stages.find(({ id }) => id === 'vjepa2')!.out };
}

test('tiles that overlap become a map without seams: steps where they meet are those inside of them', async () => {
  const without = await stepsWith(0);
  const withOverlap = await stepsWith(64);
  expect([without.tiles, withOverlap.tiles]).toEqual([16, 49]);
  expect(without.ratio).toBeGreaterThan(1.3);
  expect(withOverlap.ratio).toBeLessThan(1.1);
});
