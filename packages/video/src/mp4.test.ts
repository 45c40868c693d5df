import { createServer } from 'node:http';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spec, tensor, type Artifact, type Picture, type StageDefinition } from '@deepearth/core';
import { describeAlone, runStage } from '@deepearth/runtime/run-stage';
import { describeStage, given, makePictures } from '@deepearth/testing';
import { chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
// @ts-expect-error A tool is plain JavaScript.
import { chromiumPath, withoutChromium } from '../../../tools/chromium.mjs';
import { mp4 } from './mp4.ts';
import { decode, hasFfmpeg, probe, times, withoutFfmpeg } from './testing/programs.ts';
import { solid } from './testing/solid.ts';
import { webm } from './webm.ts';

const layers = () => [...makePictures(4), ...makePictures(4, { layer: 'other', seed: 2 })];
const oddOne = () =>
  makePictures(5).map((picture, i) =>
    i === 2 ? { ...picture, pixels: tensor('uint8', [8, 8, 3], new Uint8Array(192)) } : picture,
  );

// Without a GPU, Chromium turns BT.709 into RGB with a factor that is cut at 2 (2.11 would be right), and blue is off
// by 3. With a GPU it is right; SwiftShader is one that is made of software.
const browserArgs = [
  '--no-sandbox',
  '--use-gl=angle',
  '--use-angle=swiftshader',
  '--enable-unsafe-swiftshader',
  '--ignore-gpu-blocklist',
];

interface Way {
  readonly name: string;
  readonly stage: StageDefinition;
  readonly options: { readonly encoder: string };
  readonly ending: string;
}
const ways: Way[] = [
  { name: 'mp4, embedded', stage: mp4, options: { encoder: 'embedded' }, ending: 'mp4' },
  ...(hasFfmpeg
    ? [
        { name: 'mp4, ffmpeg', stage: mp4, options: { encoder: 'ffmpeg' }, ending: 'mp4' },
        { name: 'webm, ffmpeg', stage: webm, options: { encoder: 'ffmpeg' }, ending: 'webm' },
      ]
    : []),
];

for (const { name, stage, options } of ways)
  describeStage(stage, {
    title: name,
    options,
    otherOptions: { ...options, fps: 5 },
    inputs: () => [given(layers())],
    abortMilliseconds: 3000,
    broken: {
      inputs: () => [given(oddOne())],
      says: /made:frame\?seed=1 \(frame 2\): the picture .* is 8 x 8, but the (MP4|WebM) "made" began with 32 x 24/,
      left: 1,
    },
  });

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'video-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function write(
  { stage, options: usual }: Pick<Way, 'stage' | 'options'>,
  pictures: readonly Picture[],
  options: object = {},
  severalSequences = false,
): Promise<{ output: string; artifacts: Artifact[]; path: string; said: string[] }> {
  const output = await mkdtemp(join(folder, 'run-'));
  const artifacts: Artifact[] = [];
  const said: string[] = [];
  for await (const artifact of runStage(stage, {
    options: { ...usual, ...options },
    inputs: [given(pictures)],
    output,
    severalSequences,
    onEvent: (event) => event.type === 'info' && said.push(event.message),
  }))
    artifacts.push(artifact as Artifact);
  return { output, artifacts, path: join(output, artifacts[0]!.path), said };
}

/** The largest difference between the values of a frame and a colour. */
const off = (frame: Uint8Array, rgb: readonly number[]): number =>
  frame.reduce((most, value, i) => Math.max(most, Math.abs(value - rgb[i % 3]!)), 0);

const colours = [
  [200, 60, 20],
  [0, 0, 0],
  [255, 255, 255],
  [20, 200, 60],
  [60, 20, 200],
] as const;

describe.each(ways)('$name', (way) => {
  describe.skipIf(!hasFfmpeg)(`as ffmpeg reads it${withoutFfmpeg}`, () => {
    test('has the colours that went in, in their order, and says that they are BT.709 in limited range', async () => {
      const { path } = await write(
        way,
        colours.map((rgb, i) => solid(rgb, i, 64, 48)),
      );
      const frames = decode(path, 64 * 48 * 3);
      expect(frames).toHaveLength(colours.length);
      frames.forEach((frame, i) =>
        expect(off(frame, colours[i]!), String(colours[i])).toBeLessThanOrEqual(i === 0 ? 2 : 3),
      );
      expect(probe(path)).toMatchObject({
        codec_name: way.ending === 'mp4' ? 'h264' : 'vp9',
        width: 64,
        height: 48,
        pix_fmt: 'yuv420p',
        color_range: 'tv',
        color_space: 'bt709',
        color_transfer: 'bt709',
        color_primaries: 'bt709',
        nb_read_frames: '5',
      });
    });

    test('has even edges: what is odd is one more, in the colours of the edge', async () => {
      const picture = solid([200, 60, 20], 0, 33, 25);
      const { path } = await write(way, [picture, { ...picture, id: 'next' }]);
      expect(probe(path)).toMatchObject({ width: 34, height: 26 });
      for (const frame of decode(path, 34 * 26 * 3)) expect(off(frame, [200, 60, 20])).toBeLessThanOrEqual(2);
    });

    test('shows what is see-through on black', async () => {
      const { path } = await write(way, [solid([200, 60, 20, 0], 0, 32, 32), solid([200, 60, 20, 128], 1, 32, 32)]);
      const [first, second] = decode(path, 32 * 32 * 3);
      expect(off(first!, [0, 0, 0])).toBeLessThanOrEqual(2);
      // The embedded encoder codes what changes from frame to frame in coarser steps.
      expect(off(second!, [100, 30, 10])).toBeLessThanOrEqual(way.options.encoder === 'embedded' ? 4 : 2);
    });

    test.each([12, 23.976, 0.5, 60])('shows every frame when its time has come, at %f a second', async (fps) => {
      const { path } = await write(way, makePictures(30), { fps });
      const shown = times(path);
      expect(shown).toHaveLength(30);
      // WebM counts in milliseconds.
      const tolerance = way.ending === 'webm' ? 0.0006 : 2e-6;
      shown.forEach(({ pts_time }, i) => expect(Math.abs(Number(pts_time) - i / fps)).toBeLessThanOrEqual(tolerance));
      if (way.ending === 'mp4') expect(Number(probe(path)['duration'])).toBeCloseTo(30 / fps, 5);
    });

    test('is better and larger with more quality', async () => {
      const noise = makePictures(3, { width: 96, height: 64 });
      const error = async (quality: number) => {
        const { path, artifacts } = await write(way, noise, { quality });
        const [frame] = decode(path, 96 * 64 * 3);
        const pixels = noise[0]!.pixels.data as Uint8Array;
        return [frame!.reduce((sum, value, i) => sum + (value - pixels[i]!) ** 2, 0), artifacts[0]!.bytes];
      };
      const [low, high] = [await error(20), await error(95)];
      expect(high[0]!).toBeLessThan(low[0]!);
      expect(high[1]!).toBeGreaterThan(low[1]!);
    });
  });

  test.skipIf(!chromiumPath)(`plays in Chromium, in its colours${withoutChromium}`, async () => {
    const { path } = await write(
      way,
      colours.map((rgb, i) => solid(rgb, i, 64, 48)),
      { fps: 2 },
    );
    const [bytes, type] = [await readFile(path), way.ending === 'mp4' ? 'video/mp4' : 'video/webm'];
    const server = createServer(({ url, headers }, response) => {
      if (url === '/') return response.setHeader('content-type', 'text/html').end('<!doctype html><title>video');
      const [from = 0, to = bytes.length - 1] = (/bytes=(\d+)-(\d*)/.exec(headers.range ?? '')?.slice(1) ?? [])
        .filter(Boolean)
        .map(Number);
      return response
        .writeHead(headers.range ? 206 : 200, {
          'content-type': type,
          'accept-ranges': 'bytes',
          'content-length': to - from + 1,
          ...(headers.range && { 'content-range': `bytes ${from}-${to}/${bytes.length}` }),
        })
        .end(bytes.subarray(from, to + 1));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const browser = await chromium.launch({ executablePath: chromiumPath as string, args: browserArgs });
    try {
      const page = await browser.newPage();
      await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
      // As text: the test runner would rewrite it, and there is no DOM in its types.
      const seen = await page.evaluate<{ size: number[]; duration: number; pixels: number[][] }>(`(async () => {
        const video = document.createElement('video');
        video.muted = true;
        video.src = '/video';
        await new Promise((resolve, reject) => {
          video.onloadeddata = resolve;
          video.onerror = () => reject(new Error(video.error.message));
        });
        const canvas = document.createElement('canvas');
        const context = canvas.getContext('2d');
        const pixels = [];
        for (let frame = 0; frame < ${colours.length}; frame++) {
          video.currentTime = frame / 2 + 0.25;
          await new Promise((resolve) => (video.onseeked = resolve));
          // A busy browser may say that it is there and still show the frame before, or nothing, which is black.
          let pixel;
          for (let tries = 0; tries < 100; tries++) {
            context.drawImage(video, 0, 0);
            pixel = [...context.getImageData(30, 20, 1, 1).data.slice(0, 3)];
            if (String(pixel) !== String(pixels.at(-1) ?? [0, 0, 0])) break;
            await new Promise((resolve) => setTimeout(resolve, 50));
          }
          pixels.push(pixel);
        }
        return { size: [video.videoWidth, video.videoHeight], duration: video.duration, pixels };
      })()`);
      expect(seen.size).toEqual([64, 48]);
      expect(seen.duration).toBeCloseTo(colours.length / 2, 2);
      seen.pixels.forEach((rgb, i) =>
        expect(off(Uint8Array.from(rgb), colours[i]!), `${rgb} for ${colours[i]}`).toBeLessThanOrEqual(i === 0 ? 2 : 3),
      );
    } finally {
      await browser.close();
      server.close();
    }
  });

  test('says which encoder it takes, in the run and before it', async () => {
    const { said } = await write(way, makePictures(1));
    expect(said.join()).toMatch(way.options.encoder === 'embedded' ? /embedded H\.264 encoder/ : /ffmpeg \S+ with lib/);
    const described = await describeAlone(way.stage, {
      options: way.options,
      inputs: [spec('picture', { height: 25, width: 33, channels: 3 }, 'uint8', 3)],
    });
    expect(described).toMatchObject({
      notes: [expect.stringContaining(way.options.encoder)],
      warnings: [expect.stringContaining('pictures of 33 x 25 become 34 x 26, with the last column and row twice')],
    });
  });

  test('leaves nothing where a run is stopped half-way', async () => {
    const output = await mkdtemp(join(folder, 'stopped-'));
    const controller = new AbortController();
    const pictures = async function* () {
      yield* makePictures(6);
      controller.abort(new Error('enough'));
      yield* makePictures(1, { first: 6 });
    };
    const running = (async () => {
      const input = { ...given(makePictures(7)), items: pictures() };
      for await (const artifact of runStage(way.stage, {
        options: way.options,
        inputs: [input],
        output,
        signal: controller.signal,
      }))
        expect.unreachable(String(artifact));
    })();
    await expect(running).rejects.toThrow();
    expect((await readdir(output, { recursive: true })).filter((name) => /\.(mp4|webm)/.test(name))).toEqual([]);
  });

  test('ends a video where the next sequence begins', async () => {
    const pictures = [...makePictures(3, { sequence: 'south' }), ...makePictures(3, { sequence: 'north', seed: 2 })];
    const { artifacts } = await write(way, pictures, {}, true);
    expect(artifacts.map(({ path }) => path)).toEqual([
      `video/south/made.${way.ending}`,
      `video/north/made.${way.ending}`,
    ]);
  });
});

describe('an encoder that is not there', () => {
  const path = process.env['PATH'];
  beforeAll(() => void (process.env['PATH'] = '/nowhere'));
  afterAll(() => void (process.env['PATH'] = path));
  const described = (stage: StageDefinition, options: object) =>
    describeAlone(stage, {
      options,
      inputs: [spec('picture', { height: 4, width: 4, channels: 3 }, 'uint8', 3)],
    });

  test('is refused, with what to install', async () => {
    for (const [stage, encoder] of [
      [mp4, 'ffmpeg'],
      [webm, 'auto'],
    ] as const)
      expect(await described(stage, { encoder })).toMatchObject({
        refused: 'no ffmpeg is on the path.',
        option: 'encoder',
        remedy: expect.stringContaining('apt install ffmpeg'),
      });
  });
  test('is not missed by sink/mp4: the embedded one takes its place', async () => {
    expect(await described(mp4, {})).toMatchObject({ notes: [expect.stringContaining('embedded')] });
  });
});

test('pictures that H.264 cannot hold are refused before anything runs', async () => {
  expect(
    await describeAlone(mp4, {
      options: { encoder: 'embedded' },
      inputs: [spec('picture', { height: 16000, width: 16000, channels: 3 }, 'uint8', 3)],
    }),
  ).toMatchObject({ refused: expect.stringContaining('pictures of 16000 x 16000 have 1000000') });
});
