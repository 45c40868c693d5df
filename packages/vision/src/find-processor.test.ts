// What a file beside the weights declares is done, as transformers does it.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openFile } from '@deepearth/formats/file-source-node';
import { openSafetensors } from '@deepearth/formats/safetensors';
import { afterAll, describe, expect, it } from 'vitest';
import { findProcessor, processorNotes, type ProcessorFamily } from './find-processor.ts';
import { imageNet } from './picture-processing.ts';
import { prepareClip } from './preprocess.ts';
import type { ProcessorClassName } from './processor-config.ts';
import { readPicture } from './read-picture.ts';

const fixtures = fileURLToPath(new URL('../fixtures/', import.meta.url));
const files = JSON.parse(readFileSync(`${fixtures}processor-files.json`, 'utf8')) as Record<string, object>;
const root = mkdtempSync(join(tmpdir(), 'deepearth-processors-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const family = (of: 'image' | 'video', fallback?: ProcessorClassName): ProcessorFamily => ({
  of,
  published: {
    processing: {
      resize: { shortestEdge: 256, crop: 224 },
      interpolation: 'bilinear',
      resizedAs: 'uint8',
      ...imageNet,
    },
    crop: { height: 64, width: 64 },
  },
  ...(fallback && { fallback }),
});
const video = family('video', 'VJEPA2VideoProcessor');
function folder(contents: Record<string, unknown>): string {
  const path = mkdtempSync(join(root, 'model-'));
  for (const [name, content] of Object.entries(contents))
    writeFileSync(join(path, name), typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

describe('pixels are those of transformers for the same file', () => {
  for (const [name, file] of Object.entries(files))
    it(name, async () => {
      const image = 'image_processor_type' in file;
      const path = folder({ [image ? 'preprocessor_config.json' : 'video_preprocessor_config.json']: file });
      const { processing, crop } = await findProcessor(path, image ? family('image') : video);
      const raster = await readPicture(`${fixtures}preprocess/36x200.png`);
      const pixels = prepareClip([raster], { cropSize: crop, patchSize: 16, tubelet: 1, processing }).pixels();
      const source = await openFile(`${fixtures}processor-files.safetensors`);
      const { data } = await (await openSafetensors(source)).tensor(name);
      await source.close();
      const expected = data as Float32Array;
      expect(pixels.length).toBe(expected.length);
      const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      const difference = expected.reduce((most, value, i) => Math.max(most, Math.abs(value - pixels[i]!)), 0);
      // The statistics are brought to 0…1 in another order; DINOv3's filters are computed in other precision.
      expect(difference / largest).toBeLessThan(name.startsWith('dinov3') ? 2e-6 : 3e-7);
    });
});

describe('findProcessor', () => {
  it('looks where transformers looks, in the same order', async () => {
    const mean = async (contents: Record<string, unknown>): Promise<number> =>
      (await findProcessor(folder(contents), video)).processing.mean[0];
    const file = (value: number): object => ({ crop_size: 32, image_mean: value });
    const all = {
      'processor_config.json': { video_processor: file(0.1) },
      'video_preprocessor_config.json': file(0.2),
      'preprocessor_config.json': file(0.3),
    };
    expect(await mean(all)).toBe(0.1);
    // One that holds no processor is passed by.
    expect(await mean({ ...all, 'processor_config.json': { processor_class: 'X' } })).toBe(0.2);
    expect(await mean({ 'preprocessor_config.json': file(0.3) })).toBe(0.3);
    expect(await findProcessor(folder({}), video)).toEqual({ ...video.published, file: null });
    expect(await findProcessor(undefined, video)).toEqual({ ...video.published, file: null });
  });

  it('refuses a file that is no JSON and one of another class, by their names', async () => {
    const broken = folder({ 'preprocessor_config.json': '{' });
    await expect(findProcessor(broken, video)).rejects.toThrow(/preprocessor_config\.json: is no JSON/);
    const other = folder({ 'preprocessor_config.json': { image_processor_type: 'VideoMAEImageProcessor' } });
    await expect(findProcessor(other, { ...video, known: ['VJEPA2VideoProcessor'] })).rejects.toThrow(
      'image_processor_type is "VideoMAEImageProcessor": what is known is VJEPA2VideoProcessor',
    );
  });

  it('says in a plan what differs from the published checkpoints, and what it takes for granted', async () => {
    const said = async (file: unknown): Promise<string[]> => {
      const path = folder(file === undefined ? {} : { 'video_preprocessor_config.json': file });
      return processorNotes(await findProcessor(path, video), video, path);
    };
    expect(await said(undefined)).toEqual([
      'no video_preprocessor_config.json: frames are prepared as the published checkpoints of its kind are',
    ]);
    expect(await said({ crop_size: 64, size: { shortest_edge: 73 }, image_mean: imageNet.mean })).toEqual([]);
    expect(await said({ crop_size: 64, size: { shortest_edge: 64 }, image_mean: 0.5 })).toEqual([
      'frames are prepared as video_preprocessor_config.json says: shortest edge 256 of 224, crop of 64 x 64, bilinear, mean 0.5, 0.5, 0.5, deviation 0.229, 0.224, 0.225',
      'VJEPA2VideoProcessor does not use size {"shortest_edge":64}: the shortest edge becomes 73 before a crop of 64',
    ]);
  });
});
