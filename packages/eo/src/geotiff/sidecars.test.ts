import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Frame } from '@deepearth/core';
import { sha256 } from '@deepearth/core/sha256';
import { openFile } from '@deepearth/formats/file-source-node';
import { runStage } from '@deepearth/runtime/run-stage';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inspectEarth } from '../inspect.ts';
import { madeRaster, cogBytes } from '../testing/scenes.ts';
import { openGeoTiff } from './open-geotiff.ts';
import { geotiffSource } from './source.ts';

const fixtures = join(import.meta.dirname, '../../fixtures/sidecars');
/** Written by fixtures/sidecars/make.py: what GDAL reads. Everything has to be equal. */
const expected = JSON.parse(await readFile(join(fixtures, 'expected.json'), 'utf8')) as Record<
  string,
  { factors: number[]; levels: { size: [number, number]; sha256: string; valid: string[]; valid_count: number[] }[] }
>;

let root = '';
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'sidecars-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** A folder with copies of the fixtures. */
async function copies(): Promise<string> {
  const folder = await mkdtemp(join(root, 'files-'));
  await cp(fixtures, folder, { recursive: true });
  return folder;
}

describe('files beside a raster', () => {
  test.each(Object.keys(expected))('give the overviews and masks that GDAL finds: %s', async (name) => {
    const { factors, levels } = expected[name]!;
    const raster = await openGeoTiff(join(fixtures, `${name}.tif`));
    expect(raster.mask).toBe('per_dataset');
    expect(raster.overviews.map(({ factor }) => factor)).toEqual(factors);
    for (const [index, level] of levels.entries()) {
      const { width, height, bands, valid } = await raster.read(index ? { overview: index - 1 } : {});
      expect([width, height]).toEqual(level.size);
      expect(sha256(Buffer.concat(bands.map((band) => Buffer.from(band as Uint8Array))))).toBe(level.sha256);
      for (const [band, mask] of valid.entries()) {
        expect(mask!.reduce((sum, each) => sum + each, 0)).toBe(level.valid_count[band]);
        expect(sha256(mask!)).toBe(level.valid[band]);
      }
    }
    // One band alone has its own mask.
    const { valid } = await raster.read({ bands: [1] });
    expect(sha256(valid[0]!)).toBe(levels[0]!.valid[1]);
    await raster.close();
  });

  test('give way to what the raster itself holds, and count for nothing where they say that they are no mask', async () => {
    const folder = await copies();
    const path = join(folder, 'own.tif');
    // 600 pixels: with an overview of its own, and a nodata value.
    const value = (x: number, y: number) => (x + y) % 9;
    const form = { width: 600, height: 300, bands: 1, type: 'uint8' as const };
    await writeFile(path, await cogBytes(madeRaster(value, { ...form, nodata: 0 })));
    await writeFile(`${path}.ovr`, await cogBytes(madeRaster(() => 7, { ...form, width: 60, height: 30 })));
    await writeFile(`${path}.msk`, await cogBytes(madeRaster(() => 0, form)));
    const raster = await openGeoTiff(path);
    expect(raster.mask).toBe('nodata');
    expect(raster.overviews.map(({ factor }) => factor)).toEqual([2, 4]);
    await raster.close();
    // With its flags it goes before a nodata value, as in GDAL.
    const flags = { INTERNAL_MASK_FLAGS_1: '2' };
    await writeFile(`${path}.msk`, await cogBytes(madeRaster(() => 0, { ...form, tags: flags })));
    const masked = await openGeoTiff(path);
    expect(masked.mask).toBe('per_dataset');
    const { valid } = await masked.read();
    expect(valid[0]!.every((each) => each === 0)).toBe(true);
    await masked.close();
  });

  test('are refused by their own name where they are damaged or of another size', async () => {
    const folder = await copies();
    const path = join(folder, 'scene.tif');
    await writeFile(`${path}.ovr`, 'not found');
    await expect(openGeoTiff(path)).rejects.toMatchObject({
      code: 'E_FORMAT',
      message: expect.stringContaining('scene.tif.ovr'),
    });
    await rm(`${path}.ovr`);
    await writeFile(
      `${path}.msk`,
      await cogBytes(madeRaster(() => 1, { bands: 1, type: 'uint8', tags: { INTERNAL_MASK_FLAGS_1: '2' } })),
    );
    await expect(openGeoTiff(path)).rejects.toThrow(/scene\.tif\.msk: has 40 x 30 pixels, and its raster 64 x 48/);
  });

  test('are part of what inspect describes', async () => {
    const path = join(fixtures, 'scene.tif');
    const source = await openFile(path);
    const found = await inspectEarth(path, source, { digest: true });
    await source.close();
    expect(found!.json).toMatchObject({
      mask: { kind: ['per_dataset'], valid_pixels: 2451 },
      tiff: { overviews: [2, 4] },
      overviews: [{ factor: 2, sha256: expected['scene']!.levels[1]!.sha256 }, { factor: 4 }],
    });
  });
});

describe('source/geotiff', () => {
  const options = (folder: string) => ({
    files: join(folder, 'scene.tif'),
    bands: [1] as [number],
    stretch: { range: [0, 255] as [number, number] },
  });
  async function frameOf(folder: string, more: object = {}) {
    const inputs: string[] = [];
    const frames: Frame[] = [];
    for await (const frame of runStage(geotiffSource, {
      options: { ...options(folder), ...more },
      onInput: ({ path }) => void inputs.push(path.slice(folder.length + 1)),
    }))
      frames.push(frame as Frame);
    return { frame: frames[0]!, inputs };
  }

  test('reads frames with the mask beside a file, names it among its inputs, and has another key for another one', async () => {
    const folder = await copies();
    const { frame, inputs } = await frameOf(folder);
    expect(inputs).toEqual(['scene.tif', 'scene.tif.ovr', 'scene.tif.msk', 'scene.tif.msk.ovr']);
    const { valid } = await frame.read();
    expect(valid!.reduce((sum, each) => sum + each, 0)).toBe(2451);
    const smaller = await frameOf(folder, { overview: 2 });
    expect((await smaller.frame.read()).valid!.reduce((sum, each) => sum + each, 0)).toBe(627);

    await rm(join(folder, 'scene.tif.msk'));
    await rm(join(folder, 'scene.tif.msk.ovr'));
    const other = await frameOf(folder);
    expect(other.frame.key).not.toBe(frame.key);
    expect((await other.frame.read()).valid).toBeUndefined();
  });

  test('does not open a frame again whose mask has become another one', async () => {
    const folder = await copies();
    const { frame } = await frameOf(folder);
    /** Reads the frame as another process does, which closes what it opened. */
    const again = async () => {
      const closers: (() => Promise<void> | void)[] = [];
      const context = {
        signal: new AbortController().signal,
        async share<T>(_: string, open: () => T | Promise<T>, close: (opened: T) => Promise<void> | void) {
          const opened = await open();
          closers.push(() => close(opened));
          return opened;
        },
      };
      try {
        return await geotiffSource.reopen!(frame.locator, {}, context as never);
      } finally {
        for (const close of closers) await close();
      }
    };
    expect((await again()).valid!.reduce((sum, each) => sum + each, 0)).toBe(2451);
    await rm(join(folder, 'scene.tif.msk'));
    await expect(again()).rejects.toMatchObject({ code: 'E_INPUT_CHANGED' });
  });
});
