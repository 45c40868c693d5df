import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tensor, type Picture } from '@deepearth/core';
import { runStage } from '@deepearth/runtime/run-stage';
import { describeStage, given, makePictures } from '@deepearth/testing';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pictures } from './pictures.ts';

for (const format of ['png', 'jpeg', 'webp'] as const)
  describeStage(pictures, {
    title: `as ${format}`,
    options: { format },
    otherOptions: { format: format === 'png' ? 'webp' : 'png' },
    inputs: () => [given(makePictures(4))],
  });

const drawn = (count = 4): Picture[] => makePictures(count).map((picture) => ({ ...picture, svg: () => '<svg/>' }));
const asSvg = (items: readonly Picture[]) => {
  const input = given(items);
  return { ...input, spec: { ...input.spec, svg: true } };
};
describeStage(pictures, { title: 'as svg', options: { format: 'svg' }, inputs: () => [asSvg(drawn())] });

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pictures-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function write(picture: Picture, options: object = {}): Promise<{ path: string; bytes: Buffer }> {
  const output = await mkdtemp(join(folder, 'run-'));
  for await (const { path } of runStage(pictures, { options, inputs: [given([picture])], output }))
    return { path, bytes: await readFile(join(output, path)) };
  throw new Error('nothing was written');
}

describe('a picture file', () => {
  test('is named after its layer and frame', async () => {
    const [picture] = makePictures(1, { first: 616, layer: 'umap-overlay' });
    expect((await write(picture!)).path).toBe('pictures/umap-overlay/frame_000616.png');
    expect((await write(picture!, { format: 'jpeg', directory: 'stills' })).path).toBe(
      'stills/umap-overlay/frame_000616.jpg',
    );
  });

  test('is named as the option says, and below its sequence where there are several', async () => {
    const place = { first: 8, last: 23, step: 2, stepFirst: 12, stepLast: 13, position: 4 };
    const [picture] = makePictures(1, { first: 12, layer: 'umap' }).map((made) => ({ ...made, place }));
    const file = 'frames_<first>_<last>/<layer>_t<step>_<position>';
    expect((await write(picture!, { file, directory: '.' })).path).toBe('frames_0008_0023/umap_t2_04.png');
    expect((await write(picture!, { file: '<number>' })).path).toBe('pictures/000012.png');
    await expect(write(makePictures(1)[0]!, { file })).rejects.toThrow(/nothing is known to fill into <first>/);
  });

  test('as PNG keeps every value, opacity too', async () => {
    const [picture] = makePictures(1);
    for (const channels of [3, 4]) {
      const data = Uint8Array.from({ length: 8 * 6 * channels }, (_, i) => (i * 37) % 256);
      const back = await sharp((await write({ ...picture!, pixels: tensor('uint8', [6, 8, channels], data) })).bytes)
        .raw()
        .toBuffer({ resolveWithObject: true });
      expect(back.info).toMatchObject({ width: 8, height: 6, channels });
      expect(new Uint8Array(back.data)).toEqual(data);
    }
  });

  test('as JPEG has a colour for every pixel from a quality of 95 on', async () => {
    const [picture] = makePictures(1);
    for (const [quality, chromaSubsampling] of [
      [94, '4:2:0'],
      [95, '4:4:4'],
    ] as const) {
      const { bytes } = await write(picture!, { format: 'jpeg', quality });
      expect((await sharp(bytes).metadata()).chromaSubsampling).toBe(chromaSubsampling);
    }
  });

  test('as JPEG or WebP looks the same', async () => {
    const [picture] = makePictures(1);
    const flat = { ...picture!, pixels: tensor('uint8', [16, 16, 3], new Uint8Array(768).fill(90)) };
    for (const format of ['jpeg', 'webp']) {
      const back = await sharp((await write(flat, { format })).bytes)
        .raw()
        .toBuffer();
      expect(Math.max(...back.map((v) => Math.abs(v - 90)))).toBeLessThan(4);
    }
  });
});

describe('a picture of points and lines', () => {
  test('is written as its renderer drew it', async () => {
    const output = await mkdtemp(join(folder, 'run-'));
    for await (const file of runStage(pictures, {
      options: { format: 'svg' },
      inputs: [asSvg(drawn(1))],
      output,
    })) {
      expect(file).toMatchObject({ path: expect.stringMatching(/\.svg$/) as string, mediaType: 'image/svg+xml' });
      expect(await readFile(join(output, file.path), 'utf8')).toBe('<svg/>');
    }
    expect.assertions(2);
  });

  test('is not made of pixels', async () => {
    await expect(write(makePictures(1)[0]!, { format: 'svg' })).rejects.toThrow('made of pixels');
    const run = runStage(pictures, { options: { format: 'svg' }, inputs: [asSvg(makePictures(1))] });
    await expect(run.next()).rejects.toThrow('is made of pixels and cannot be written as SVG');
  });
});
