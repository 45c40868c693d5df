import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spec, tensor, type Artifact, type Picture } from '@deepearth/core';
import { describeAlone, runStage } from '@deepearth/runtime/run-stage';
import { describeStage, given, makePictures } from '@deepearth/testing';
import fc from 'fast-check';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { canDelay, delayOf, gifWriter, type GifOptions } from './gif-frames.ts';
import { gif } from './gif.ts';

const layers = () => [...makePictures(4), ...makePictures(4, { layer: 'other', seed: 2 })];
const oddOne = () =>
  makePictures(5).map((picture, i) =>
    i === 2 ? { ...picture, pixels: tensor('uint8', [8, 8, 3], new Uint8Array(192)) } : picture,
  );
describeStage(gif, {
  otherOptions: { fps: 5 },
  inputs: () => [given(layers())],
  broken: {
    inputs: () => [given(oddOne())],
    says: /made:frame\?seed=1 \(frame 2\): the picture .* is 8 x 8, but the GIF "made" began with 32 x 24/,
    left: 1,
  },
});

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gif-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const solid = (rgb: readonly number[], number: number, channels = 3): Picture => ({
  ...makePictures(1, { first: number })[0]!,
  pixels: tensor(
    'uint8',
    [12, 16, channels],
    Uint8Array.from({ length: 12 * 16 * channels }, (_, i) => rgb[i % channels]!),
  ),
});

async function write(
  pictures: readonly Picture[],
  options: object = {},
): Promise<{ artifacts: Artifact[]; read: (index?: number) => Promise<Uint8Array> }> {
  const output = await mkdtemp(join(folder, 'run-'));
  const artifacts: Artifact[] = [];
  for await (const artifact of runStage(gif, { options, inputs: [given(pictures)], output })) artifacts.push(artifact);
  return { artifacts, read: async (index = 0) => new Uint8Array(await readFile(join(output, artifacts[index]!.path))) };
}

/** Every frame as RGBA, the way a viewer shows it. */
async function decode(bytes: Uint8Array): Promise<{
  frames: Uint8Array[];
  delay: number[] | undefined;
  loop: number | undefined;
  width: number;
  height: number;
}> {
  const about = await sharp(bytes, { animated: true }).metadata();
  const frames: Uint8Array[] = [];
  for (let page = 0; page < (about.pages ?? 1); page++)
    frames.push(new Uint8Array(await sharp(bytes, { page }).ensureAlpha().raw().toBuffer()));
  return { frames, delay: about.delay, loop: about.loop, width: about.width, height: about.pageHeight ?? about.height };
}

describe('delays', () => {
  test('add up to the right time however the rate divides a hundred', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.1, max: 50, noNaN: true }), fc.integer({ min: 1, max: 400 }), (fps, count) => {
        let total = 0;
        for (let i = 0; i < count; i++) total += delayOf(i, fps);
        expect(Math.abs(total - (count * 100) / fps)).toBeLessThanOrEqual(0.5 + 1e-6);
      }),
    );
  });

  test('are what a viewer reads: 12 frames a second last one second', async () => {
    const { read } = await write(makePictures(12));
    const { delay } = await decode(await read());
    expect(delay!.reduce((a, b) => a + b)).toBe(1000);
    expect(new Set(delay)).toEqual(new Set([80, 90]));
  });
});

describe('a GIF', () => {
  test('has every picture, in order, in its size, looping or not', async () => {
    const colours = [
      [255, 0, 0],
      [0, 255, 0],
      [0, 0, 255],
      [255, 255, 255],
    ];
    for (const loop of [true, false]) {
      const { read } = await write(
        colours.map((rgb, i) => solid(rgb, i)),
        { dither: false, loop },
      );
      const { frames, width, height, loop: times } = await decode(await read());
      expect([width, height]).toEqual([16, 12]);
      expect(frames.map((frame) => [...frame.subarray(0, 3)])).toEqual(colours);
      expect(times).toBe(loop ? 0 : 1);
    }
  });

  test('is written for each layer, in order of their names', async () => {
    const { artifacts } = await write([...makePictures(2, { layer: 'umap' }), ...makePictures(2, { layer: 'pca' })], {
      directory: 'movies',
    });
    expect(artifacts.map(({ path }) => path)).toEqual(['movies/pca.gif', 'movies/umap.gif']);
  });

  test('keeps colours close, with dither and without', async () => {
    const gradient: Picture = {
      ...solid([0, 0, 0], 0),
      pixels: tensor(
        'uint8',
        [12, 16, 3],
        Uint8Array.from(
          { length: 576 },
          (_, i) => [(Math.floor(i / 3) % 16) * 16, Math.floor(i / 48) * 20, 128][i % 3]!,
        ),
      ),
    };
    for (const dither of [true, false]) {
      const [frame] = (await decode(await (await write([gradient], { dither })).read())).frames;
      let error = 0;
      for (let pixel = 0; pixel < 192; pixel++)
        for (let c = 0; c < 3; c++) error += Math.abs(frame![pixel * 4 + c]! - gradient.pixels.data[pixel * 3 + c]!);
      expect(error / 576).toBeLessThan(dither ? 8 : 5);
    }
  });

  test('keeps opacity as on or off', async () => {
    const half: Picture = { ...solid([9, 200, 9, 255], 0, 4) };
    half.pixels.data.fill(0, 0, 16 * 6 * 4);
    const [frame] = (await decode(await (await write([half])).read())).frames;
    expect(frame![3]).toBe(0);
    expect(frame![16 * 11 * 4 + 3]).toBe(255);
  });

  test('chooses colours anew when later pictures look different', async () => {
    const early = Array.from({ length: 60 }, (_, i) => solid([200 + (i % 4), 10, 10], i));
    const late = Array.from({ length: 3 }, (_, i) => solid([10, 10, 200 + i], 60 + i));
    const { frames } = await decode(await (await write([...early, ...late], { dither: false })).read());
    expect(frames).toHaveLength(63);
    const [r, , b] = frames[61]!;
    expect(b).toBeGreaterThan(190);
    expect(r).toBeLessThan(30);
  });
});

describe('what 16 bits do not hold', () => {
  const described = (options: object, axes: object = {}) =>
    describeAlone(gif, {
      options,
      inputs: [spec('picture', { height: 4, width: 4, channels: 3, ...axes }, 'uint8', 3)],
    });
  test('is refused before anything runs: a frame of more than 655.35 s, an edge of more than 65,535 pixels', async () => {
    expect(await described({ fps: 0.001 })).toMatchObject({
      refused: 'at 0.001 pictures per second one lasts 1000 s, and a GIF says at most 655.35 s.',
    });
    expect(await described({ fps: 0.0017 })).not.toHaveProperty('refused');
    expect(await described({}, { width: 65536 })).toMatchObject({ refused: expect.stringContaining('65536') });
    expect(await described({}, { width: 65535 })).not.toHaveProperty('refused');
  });
  test('no delay that is let through is longer than it can be said', () => {
    for (let fps = 0.0014; fps < 0.0016; fps += 1e-7)
      if (canDelay(fps))
        for (let index = 0; index < 200; index++) expect(delayOf(index, fps)).toBeLessThanOrEqual(65535);
    expect(canDelay(0.00153)).toBe(true);
  });
  test('is refused where it comes: a picture whose size nobody knew', async () => {
    const wide = { ...makePictures(1)[0]!, pixels: tensor('uint8', [1, 65536, 3], new Uint8Array(65536 * 3)) };
    await expect(write([wide])).rejects.toThrow('at most 65535 pixels along an edge');
  });
});

describe('the writer', () => {
  const options: GifOptions = { fps: 10, loop: true, colors: 256, palette: 'shared', dither: true };
  const picture = (i: number, channels = 3) => ({
    data: Uint8Array.from({ length: 20 * 20 * channels }, (_, at) => (at * 7 + i * 13) % 256),
    channels,
    width: 20,
    height: 20,
  });

  test('hands bytes on as they are ready, so that length costs no memory', async () => {
    const writer = await gifWriter(options);
    const ready = Array.from({ length: 100 }, (_, i) => writer.add(picture(i)).reduce((n, part) => n + part.length, 0));
    expect(ready.slice(0, 47).every((n) => n === 0)).toBe(true);
    expect(ready.slice(48).every((n) => n > 0)).toBe(true);
  });

  test('makes nothing of nothing', async () => {
    expect((await gifWriter(options)).end()).toEqual([]);
  });

  test('with a palette for each picture keeps nothing back', async () => {
    const writer = await gifWriter({ ...options, palette: 'frame' });
    expect(writer.add(picture(0)).length).toBe(1);
  });

  test('stays within the colours that are allowed, a transparent one included', async () => {
    for (const channels of [3, 4]) {
      const writer = await gifWriter({ ...options, colors: 16 });
      const bytes = new Uint8Array(Buffer.concat([...writer.add(picture(1, channels)), ...writer.end()]));
      expect(2 << (bytes[10]! & 7)).toBeLessThanOrEqual(16);
    }
  });
});
