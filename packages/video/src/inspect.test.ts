import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sha256 } from '@deepearth/core/sha256';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { inspectVideo, isVideo, videoHeadBytes } from './inspect.ts';
import { decode, hasFfmpeg, withoutFfmpeg } from './testing/programs.ts';

const references = fileURLToPath(new URL('../../../../shared/reference/video', import.meta.url));
const there = existsSync(join(references, 'expected.json'));

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'inspect-video-'))));
afterAll(() => rm(folder, { recursive: true, force: true }));

const colours = ['#ff0000', '#00ff00', '#0000ff'];

/** A GIF of one plain frame for each colour, 100, 200 and 300 ms long. */
async function gif(name = 'colours.gif', width = 16, height = 8): Promise<string> {
  const path = join(folder, name);
  const frames = await Promise.all(
    colours.map((background) =>
      sharp({ create: { width, height, channels: 3, background } })
        .png()
        .toBuffer(),
    ),
  );
  await writeFile(
    path,
    await sharp(frames, { join: { animated: true } })
      .gif({ delay: [100, 200, 300] })
      .toBuffer(),
  );
  return path;
}

describe('isVideo', () => {
  const bytes = (text: string) => Uint8Array.from(text.padEnd(videoHeadBytes, '\0'), (each) => each.charCodeAt(0));

  test('goes by the first bytes, whatever the name', () => {
    for (const start of [
      '\0\0\0\x18ftypisom',
      '\x1aE\xdf\xa3',
      'RIFF\0\0\0\0AVI LIST',
      'GIF89a',
      'OggS',
      `G${'\0'.repeat(187)}G`,
    ])
      expect(isVideo('file.bin', bytes(start))).toBe(true);
    for (const start of ['PK\x03\x04', '\x93NUMPY', 'II*\0', 'CDF\x01', '\x89HDF\r\n\x1a\n', '\x20\0\0\0\0\0\0\0{'])
      expect(isVideo('file.bin', bytes(start))).toBe(false);
  });

  test('goes by the ending of a name where they do not tell', () => {
    expect(isVideo('empty.MP4', new Uint8Array())).toBe(true);
    expect(isVideo('program.ts', bytes('import'))).toBe(false);
  });
});

describe('inspectVideo', () => {
  test('describes an animation, which needs no decoder', async () => {
    const path = await gif();
    vi.stubEnv('PATH', folder);
    try {
      const { json, text } = await inspectVideo(path, { digest: true });
      expect(json).toMatchObject({
        kind: 'video',
        container: 'gif',
        codec: 'gif',
        size: [16, 8],
        frame_count: 3,
        pts_seconds: [0, 0.1, 0.3],
        duration_seconds: [0.1, 0.2, 0.3],
        rotation_clockwise_degrees: 0,
        mean_rgb: [
          [255, 0, 0],
          [0, 255, 0],
          [0, 0, 255],
        ],
        file_sha256: sha256(await readFile(path)),
        sha256_rgb24: sha256(
          Uint8Array.from({ length: 3 * 128 * 3 }, (_, i) => (i % 3 === Math.floor(i / (128 * 3)) ? 255 : 0)),
        ),
      });
      expect(text).toMatch(/^frame_count +3$/m);
    } finally {
      vi.unstubAllEnvs();
    }
  });

  test('draws the first, the middle and the last frame side by side, at most 720 pixels wide', async () => {
    const { quicklook } = await inspectVideo(await gif('large.gif', 800, 40), { quicklook: true });
    const { pixels, json } = quicklook!;
    // (3 · 800 + 2 · 4) / 720, rounded up.
    expect(json).toEqual({ frames: [0, 1, 2], pts_seconds: [0, 0.1, 0.3], factor: 4 });
    expect(pixels.shape).toEqual([10, 3 * 200 + 8, 3]);
    const at = (x: number) => [...pixels.data.subarray(x * 3, x * 3 + 3)];
    expect([at(0), at(199), at(200), at(204), at(403), at(408), at(607)]).toEqual([
      [255, 0, 0],
      [255, 0, 0],
      [255, 255, 255],
      [0, 255, 0],
      [0, 255, 0],
      [0, 0, 255],
      [0, 0, 255],
    ]);
  });

  test('refuses by name what is empty, does not move, or needs a decoder that is not there', async () => {
    const write = async (name: string, bytes: Uint8Array) => {
      await writeFile(join(folder, name), bytes);
      return join(folder, name);
    };
    const still = await sharp({ create: { width: 8, height: 8, channels: 3, background: '#fff' } })
      .png()
      .toBuffer();
    await expect(inspectVideo(await write('still.png', still))).rejects.toMatchObject({
      code: 'E_NO_VIDEO',
      message: expect.stringContaining('still.png'),
    });
    const box = await write('film.mp4', Buffer.from('\0\0\0\x10ftypisom\0\0\0\0', 'latin1'));
    vi.stubEnv('PATH', folder);
    try {
      await expect(inspectVideo(box)).rejects.toMatchObject({
        code: 'E_VIDEO_DECODER',
        message: expect.stringMatching(/film\.mp4: cannot be decoded: no ffmpeg/),
      });
    } finally {
      vi.unstubAllEnvs();
    }
  });

  test('counts the frames of a file that is cut short', async () => {
    const bytes = await readFile(await gif());
    const path = join(folder, 'cut.gif');
    await writeFile(path, bytes.subarray(0, bytes.length - 8));
    const { json } = await inspectVideo(path);
    expect(json['frame_count']).toBeLessThan(3);
    expect(json['refused']).toEqual([expect.stringContaining('cut short')]);
  });

  test.skipIf(!hasFfmpeg)(`says of an MP4 what ffmpeg says of it${withoutFfmpeg}`, async () => {
    const path = join(folder, 'test.mp4');
    const { stderr } = spawnSync(
      'ffmpeg',
      [
        ...['-v', 'error', '-f', 'lavfi', '-i', 'testsrc2=size=64x48:rate=10:duration=1', '-c:v', 'mpeg4'],
        ...['-pix_fmt', 'yuv420p', '-colorspace', 'bt709', '-color_range', 'tv', path],
      ],
      { encoding: 'utf8' },
    );
    expect(stderr).toBe('');
    const { json } = await inspectVideo(path, { digest: true });
    expect(json).toMatchObject({
      codec: 'mpeg4',
      pix_fmt: 'yuv420p',
      average_rate: '10',
      stream_duration_seconds: 1,
      audio_streams: 0,
      coded: [64, 48],
      size: [64, 48],
      frame_count: 10,
      sha256_planes: sha256(
        spawnSync('ffmpeg', ['-v', 'error', '-i', path, '-f', 'rawvideo', 'pipe:1'], { maxBuffer: 1 << 26 }).stdout,
      ),
    });
    expect(json['refused']).toBeUndefined();
    const frames = decode(path, 64 * 48 * 3);
    for (const [i, mean] of (json['mean_rgb'] as number[][]).entries())
      for (const [channel, value] of mean.entries()) {
        const sum = frames[i]!.reduce((all, each, at) => all + (at % 3 === channel ? each : 0), 0);
        expect(Math.abs(sum / (64 * 48) - value)).toBeLessThan(1.5);
      }
  });
});

interface Expected {
  readonly kind: 'video' | 'bad';
  readonly broken?: string;
  readonly promised_frames?: number;
  readonly pix_fmt: string;
  readonly [field: string]: unknown;
}
const files = there
  ? Object.entries(
      (JSON.parse(readFileSync(join(references, 'expected.json'), 'utf8')) as { files: Record<string, Expected> })
        .files,
    )
  : [];
const withoutFiles = there ? '' : ' (skipped: no ../shared/reference)';

describe.skipIf(!there || !hasFfmpeg)(
  `videos beside the repository are described as FFmpeg's libraries describe them${withoutFiles || withoutFfmpeg}`,
  { timeout: 120_000 },
  () => {
    test.each(files.filter(([, { kind }]) => kind === 'video'))('%s', async (name, expected) => {
      const { json } = await inspectVideo(join(references, name), { digest: true });
      const animation = /\.(gif|apng)$/.test(name);
      const fields = [
        ...[
          'bytes',
          'file_sha256',
          'codec',
          'coded',
          'size',
          'rotation_clockwise_degrees',
          'frame_count',
          'audio_streams',
        ],
        ...(animation
          ? []
          : [
              'container',
              'profile',
              'codec_tag',
              'pix_fmt',
              'time_base',
              'average_rate',
              'color',
              'stream_duration_seconds',
            ]),
        // A format without a digest of planes has bytes that nothing defines; these codecs are not exact.
        ...(animation || expected.broken || expected.pix_fmt === 'bgr0' || /prores|mjpeg/.test(name)
          ? []
          : ['sha256_planes']),
      ];
      for (const field of fields) expect([field, json[field]]).toEqual([field, expected[field]]);
      for (const [i, time] of (expected['pts_seconds'] as number[]).entries())
        expect((json['pts_seconds'] as number[])[i]).toBeCloseTo(time, 8);
      for (const [i, mean] of (expected['mean_rgb'] as number[][]).entries())
        for (const [channel, value] of mean.entries())
          expect(Math.abs((json['mean_rgb'] as number[][])[i]![channel]! - value)).toBeLessThan(1.5);
      expect(json['promised_frames']).toBe(expected.promised_frames);
      expect(json['refused'] !== undefined).toBe(expected.broken !== undefined);
    });

    test.each(files.filter(([, { kind }]) => kind === 'bad'))('%s is refused by name', async (name) => {
      await expect(inspectVideo(join(references, name))).rejects.toMatchObject({
        message: expect.stringContaining(name),
      });
    });
  },
);
