import { spawnSync } from 'node:child_process';
import { createServer } from 'node:http';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tensor, type Artifact, type Picture, type StageDefinition } from '@deepearth/core';
import { runStage } from '@deepearth/runtime/run-stage';
import { describeStage, given, makePictures } from '@deepearth/testing';
import fc from 'fast-check';
import { chromium, type Browser, type Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
// @ts-expect-error A tool is plain JavaScript.
import { chromiumPath, withoutChromium } from '../../../tools/chromium.mjs';
import { apng, pngDelay } from './apng.ts';
import { delayInTicks } from './frame-delays.ts';
import { gif } from './gif.ts';
import { webp } from './webp.ts';

const layers = () => [...makePictures(4), ...makePictures(4, { layer: 'other', seed: 2 })];
const oddOne = () =>
  makePictures(5).map((picture, i) =>
    i === 2 ? { ...picture, pixels: tensor('uint8', [8, 8, 3], new Uint8Array(192)) } : picture,
  );
for (const stage of [webp, apng])
  describeStage(stage, {
    otherOptions: { fps: 5 },
    inputs: () => [given(layers())],
    broken: {
      inputs: () => [given(oddOne())],
      says: /made:frame\?seed=1 \(frame 2\): the picture .* is 8 x 8, but the (WebP|animated PNG) "made" began with 32 x 24/,
      left: 1,
    },
  });

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'animation-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const solid = (rgb: readonly number[], number: number, width = 16, height = 12): Picture => ({
  ...makePictures(1, { first: number })[0]!,
  pixels: tensor(
    'uint8',
    [height, width, rgb.length],
    Uint8Array.from({ length: width * height * rgb.length }, (_, i) => rgb[i % rgb.length]!),
  ),
});

async function write(stage: StageDefinition, pictures: readonly Picture[], options: object = {}): Promise<string> {
  const output = await mkdtemp(join(folder, 'run-'));
  const artifacts: Artifact[] = [];
  for await (const artifact of runStage(stage, { options, inputs: [given(pictures)], output }))
    artifacts.push(artifact as Artifact);
  return join(output, artifacts[0]!.path);
}

const colours = [
  [200, 60, 20],
  [0, 255, 0],
  [0, 0, 255],
  [255, 255, 255],
] as const;

test('delays add up to the right time, whatever the tick', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0.1, max: 60, noNaN: true }),
      fc.integer({ min: 1, max: 300 }),
      fc.constantFrom(100, 1000),
      (fps, count, ticks) => {
        let total = 0;
        for (let i = 0; i < count; i++) total += delayInTicks(i, fps, ticks);
        expect(Math.abs(total - (count * ticks) / fps)).toBeLessThanOrEqual(0.5 + 1e-6);
      },
    ),
  );
});

test('the delay of a PNG is exact where 16 bits can say it, and fits into them anyway', () => {
  expect(pngDelay(3, 12)).toEqual([1, 12]);
  expect(pngDelay(3, 23.976)).toEqual([125, 2997]);
  expect(pngDelay(3, 0.5)).toEqual([2, 1]);
  fc.assert(
    fc.property(fc.integer({ min: 1000, max: 60_000_000 }), fc.integer({ min: 0, max: 1000 }), (millionths, index) => {
      const [numerator, denominator] = pngDelay(index, millionths / 1e6);
      expect(Math.max(numerator, denominator)).toBeLessThanOrEqual(65535);
      expect(Math.min(numerator, denominator)).toBeGreaterThanOrEqual(1);
    }),
  );
});

describe('an animated WebP', () => {
  test('has every picture, in order, with its time, looping or not', async () => {
    for (const loop of [true, false]) {
      const path = await write(
        webp,
        colours.map((rgb, i) => solid(rgb, i)),
        { loop, quality: 100 },
      );
      const about = await sharp(path, { animated: true }).metadata();
      expect(about).toMatchObject({ pages: 4, width: 16, pageHeight: 12, loop: loop ? 0 : 1 });
      expect(about.delay).toEqual([83, 84, 83, 83]);
      for (let page = 0; page < 4; page++) {
        const pixels = await sharp(path, { page }).removeAlpha().raw().toBuffer();
        colours[page]!.forEach((value, c) => expect(Math.abs(pixels[c]! - value)).toBeLessThanOrEqual(2));
      }
    }
  });

  test('keeps opacity, and shows nothing of the picture before', async () => {
    const path = await write(webp, [solid([200, 60, 20, 255], 0), solid([9, 200, 9, 0], 1)]);
    const opacity = await Promise.all(
      [0, 1].map(async (page) => (await sharp(path, { page }).ensureAlpha().raw().toBuffer())[3]),
    );
    expect(opacity).toEqual([255, 0]);
  });
});

/** Whether this Python has Pillow. */
const python = ['python3', '/usr/bin/python3'].find(
  (command) => spawnSync(command, ['-c', 'import PIL'], { stdio: 'ignore' }).status === 0,
);

test.skipIf(!python)(
  `Pillow reads all three, frame by frame${python ? '' : ' (skipped: no Python with Pillow)'}`,
  async () => {
    for (const stage of [gif, webp, apng]) {
      const path = await write(
        stage,
        colours.map((rgb, i) => solid(rgb, i)),
        { fps: 12 },
      );
      const program = `
import json, sys
from PIL import Image
image = Image.open(sys.argv[1])
frames = []
for index in range(image.n_frames):
    image.seek(index)
    image.load()
    frames.append([list(image.convert('RGB').getpixel((5, 5))), float(image.info['duration'])])
print(json.dumps([image.size, frames]))`;
      const { stdout, stderr } = spawnSync(python!, ['-c', program, path], { encoding: 'utf8' });
      expect(stderr).toBe('');
      const [size, frames] = JSON.parse(stdout) as [number[], [number[], number][]];
      expect(size).toEqual([16, 12]);
      expect(frames).toHaveLength(4);
      expect(Math.abs(frames.reduce((sum, [, time]) => sum + time, 0) - 4000 / 12)).toBeLessThanOrEqual(10);
      frames.forEach(([rgb], i) =>
        rgb.forEach((value, c) => expect(Math.abs(value - colours[i]![c]!)).toBeLessThanOrEqual(3)),
      );
    }
  },
);

describe.skipIf(!chromiumPath)(`in Chromium${withoutChromium}`, () => {
  let browser: Browser;
  let page: Page;
  const files = new Map<string, Uint8Array>();
  const server = createServer(({ url }, response) => {
    response.setHeader('content-type', 'text/html').end(files.get(url!) ?? '<!doctype html><title>animations');
  });
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    browser = await chromium.launch({ executablePath: chromiumPath as string, args: ['--no-sandbox'] });
    page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  });
  afterAll(async () => {
    await browser.close();
    server.close();
  });

  test.each([
    { stage: gif, type: 'image/gif' },
    { stage: webp, type: 'image/webp' },
    { stage: apng, type: 'image/png' },
  ])('$stage.type shows every picture for its time', async ({ stage, type }) => {
    files.set(
      '/animation',
      await readFile(
        await write(
          stage,
          colours.map((rgb, i) => solid(rgb, i)),
          { fps: 12 },
        ),
      ),
    );
    // As text: the test runner would rewrite it, and there is no ImageDecoder in its types.
    const seen = await page.evaluate<{ count: number; frames: [number, number[]][] }>(`(async () => {
      const data = await (await fetch('/animation')).arrayBuffer();
      const decoder = new ImageDecoder({ data, type: '${type}' });
      await decoder.tracks.ready;
      await decoder.completed;
      const count = decoder.tracks.selectedTrack.frameCount;
      const frames = [];
      for (let frameIndex = 0; frameIndex < count; frameIndex++) {
        const { image } = await decoder.decode({ frameIndex });
        const context = new OffscreenCanvas(16, 12).getContext('2d');
        context.drawImage(image, 0, 0);
        frames.push([image.duration, [...context.getImageData(5, 5, 1, 1).data.slice(0, 3)]]);
      }
      return { count, frames };
    })()`);
    expect(seen.count).toBe(4);
    expect(Math.abs(seen.frames.reduce((sum, [time]) => sum + time, 0) - 4e6 / 12)).toBeLessThanOrEqual(10_000);
    seen.frames.forEach(([, rgb], i) =>
      rgb.forEach((value, c) => expect(Math.abs(value - colours[i]![c]!)).toBeLessThanOrEqual(3)),
    );
  });
});

test('an animated PNG keeps every value, also for viewers that show its first picture only', async () => {
  const pictures = makePictures(3);
  const path = await write(apng, pictures);
  expect(new Uint8Array(await sharp(path).raw().toBuffer())).toEqual(pictures[0]!.pixels.data);
  const { status, stdout } = spawnSync('ffmpeg', [
    ...['-v', 'error', '-i', path, '-f', 'rawvideo', '-pix_fmt', 'rgb24', 'pipe:1'],
  ]);
  if (status === null) return;
  expect(new Uint8Array(stdout)).toEqual(new Uint8Array(Buffer.concat(pictures.map(({ pixels }) => pixels.data))));
});
