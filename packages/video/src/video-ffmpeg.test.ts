import { spawnSync } from 'node:child_process';
import { copyFile, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { createRegistry, frameReader, type Frame, type FrameRecord, type Raster } from '@deepearth/core';
import { runStage, type RunStageOptions } from '@deepearth/runtime/run-stage';
import { describeStage } from '@deepearth/testing';
import { afterAll, describe, expect, test } from 'vitest';
import { decoderPool, videoReader } from './video-reader.ts';
import { decoderOnce, openVideo, type Video } from './open-video.ts';
import { stages } from './stages.ts';
import { hasFfmpeg, decode, times, withoutFfmpeg } from './testing/programs.ts';
import { video } from './video.ts';

const folder = await mkdtemp(join(tmpdir(), 'video-ffmpeg-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Makes a video of moving test pictures. */
function make(name: string, args: readonly string[], source = 'testsrc2=size=64x48:rate=10:duration=3'): string {
  const path = join(folder, name);
  const { status, stderr } = spawnSync('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', source, ...args, '-y', path]);
  if (status !== 0) throw new Error(String(stderr));
  return path;
}
const h264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-bf', '2', '-g', '8', '-pix_fmt', 'yuv420p'];

/** A copy of a video in which most of a packet is changed. */
function damage(path: string, packet: number): string {
  const { stdout } = spawnSync('ffprobe', ['-v', 'error', '-show_entries', 'packet=pos,size', '-of', 'csv=p=0', path], {
    encoding: 'utf8',
  });
  const [size, position] = stdout.split('\n')[packet]!.split(',').map(Number) as [number, number];
  const bytes = readFileSync(path);
  for (let at = position + (size >> 2); at < position + size - 10; at++) bytes[at] = bytes[at]! ^ 0x5a;
  const copy = join(folder, `damaged-${basename(path)}`);
  writeFileSync(copy, bytes);
  return copy;
}

type Options = RunStageOptions<typeof video.options>;
async function run(options: NonNullable<Options['options']>, rest: Options = {}) {
  const found: { frame: Frame; raster: Raster }[] = [];
  const [warnings, skipped]: [string[], string[]] = [[], []];
  for await (const frame of runStage(video, {
    options,
    onEvent: (event) => {
      if (event.type === 'warning') warnings.push(event.message);
      if (event.type === 'skipped') skipped.push(event.item);
    },
    ...rest,
  }))
    found.push({ frame, raster: await frame.read() });
  return { found, warnings, skipped, numbers: found.map(({ frame }) => frame.number) };
}

const text = join(folder, 'text.mp4');
await writeFile(text, 'This is no video.');
const plain = hasFfmpeg ? make('plain.mp4', [...h264, '-movflags', '+faststart']) : '';
const pixels = hasFfmpeg ? decode(plain, 64 * 48 * 3) : [];

if (hasFfmpeg)
  describeStage(video, {
    title: 'decoded by ffmpeg',
    options: { path: plain, every: 4, verify: true },
    otherOptions: { path: plain, every: 4, from: 0.1 },
    broken: { options: { path: [plain, text], every: 4 }, says: /text\.mp4: cannot be read as a video/, left: 8 },
    patienceSeconds: 60,
    abortMilliseconds: 3000,
  });

/** A video, and how often it was decoded from where. */
async function counted(path: string): Promise<{ opened: Video; starts: number[] }> {
  const starts: number[] = [];
  const found = await openVideo(path, { maxPixels: 2 ** 24, decoder: decoderOnce() });
  return {
    starts,
    opened: { ...found, decode: (from, ...rest) => (starts.push(from), found.decode(from, ...rest)) },
  };
}

describe.skipIf(!hasFfmpeg)(`with ffmpeg${withoutFfmpeg}`, { timeout: 240_000 }, () => {
  test('every frame has the pixels that ffmpeg shows and the time that ffprobe says', async () => {
    const { found } = await run({ path: plain });
    expect(found).toHaveLength(30);
    const probed = times(plain);
    for (const [i, { frame, raster }] of found.entries()) {
      expect(raster.values.data, `frame ${i}`).toEqual(pixels[i]);
      expect(frame.seconds).toBeCloseTo(Number(probed[i]!.pts_time), 5);
    }
  });

  test.each([
    ['MKV', 'a.mkv', h264],
    ['MOV with Motion-JPEG', 'a.mov', ['-c:v', 'mjpeg']],
    ['AVI with MPEG-4', 'a.avi', ['-c:v', 'mpeg4', '-bf', '2']],
    ['MPEG-TS', 'a.ts', h264],
    ['fragmented MP4', 'f.mp4', [...h264, '-movflags', 'frag_keyframe+empty_moov']],
    ['lossless', 'l.mkv', ['-c:v', 'ffv1']],
    ['uneven times', 'v.mp4', ['-vf', "select='not(mod(n,3))+eq(n,7)+eq(n,8)'", '-fps_mode', 'vfr', ...h264]],
    ['another start', 's.mkv', ['-output_ts_offset', '5', ...h264]],
    ['trimmed by an edit list', 'e.mp4', h264],
  ])('times and pixels are those of ffmpeg: %s', async (title, name, args) => {
    let path = make(name, args);
    if (title.startsWith('trimmed')) {
      // The first frames stay in the file and are not shown.
      path = join(folder, 'edited.mp4');
      spawnSync('ffmpeg', ['-v', 'error', '-ss', '0.5', '-i', join(folder, name), '-c', 'copy', '-y', path]);
    }
    const probed = times(path);
    const { found, skipped } = await run({ path }, { onError: 'skip' });
    const shown = decode(path, 64 * 48 * 3);
    expect(skipped).toEqual([]);
    expect(found.map(({ frame }) => frame.seconds!.toFixed(4))).toEqual(
      // The last frame of an AVI comes out of the decoder without a time.
      probed.map(({ pts_time }, i) =>
        (Number(pts_time ?? NaN) || i / 10 + (title.startsWith('AVI') ? 0.1 : 0)).toFixed(4),
      ),
    );
    if (title !== 'another start' && !title.startsWith('uneven')) expect(found.length).toBe(shown.length);
    if (found.length === shown.length)
      for (const [i, { raster }] of found.entries()) expect(raster.values.data, `frame ${i}`).toEqual(shown[i]);
  });

  test('frames that are chosen are the same as of all, and nothing else is converted', async () => {
    for (const options of [{ every: 7 }, { framesPerSecond: 3 }, { from: 1.05, to: 2.2 }, { from: 0.6, every: 5 }]) {
      const { found } = await run({ path: plain, ...options });
      expect(found.length).toBeGreaterThan(2);
      for (const { frame, raster } of found) expect(raster.values.data).toEqual(pixels[frame.number]);
    }
  });

  test('frames can be read in any order, again and at once, each from where it is', async () => {
    const found: Frame[] = [];
    for await (const frame of runStage(video, { options: { path: plain, cacheBytes: 0, spillBytes: 0 } })) {
      found.push(frame);
      if (found.length < 30) continue;
      const order = [29, 0, 17, 17, 3, 28, 4, 16, 11, 0];
      for (const number of order) expect((await found[number]!.read()).values.data).toEqual(pixels[number]);
      const together = await Promise.all(order.map((number) => found[number]!.read()));
      expect(together.map(({ values }) => values.data)).toEqual(order.map((number) => pixels[number]));
    }
  });

  test('what is read in order is decoded once; a far frame is sought, a near one is waited for', async () => {
    const long = make(
      'long.mp4',
      ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '100', '-pix_fmt', 'yuv420p'],
      'testsrc2=size=32x32:rate=10:duration=60',
    );
    const { opened, starts } = await counted(long);
    const pool = decoderPool();
    const reader = videoReader(opened, pool);
    for (let number = 0; number < 40; number++) await reader.read(number);
    expect(starts).toEqual([0]);
    await reader.read(70);
    expect(starts).toEqual([0]);
    await reader.read(450);
    expect(starts).toEqual([0, 450]);
    // A second place is read on beside the first.
    for (let number = 10; number < 20; number++) {
      await reader.read(number);
      await reader.read(440 + number + 1);
    }
    expect(starts).toEqual([0, 450, 10]);
    await Promise.all([300, 20, 21, 22, 299].map((number) => reader.read(number)));
    expect(starts).toEqual([0, 450, 10, 299]);
    await pool.close();
  });

  test('so many videos at once have no more than a few decoders', async () => {
    const { opened, starts } = await counted(plain);
    const pool = decoderPool();
    const readers = Array.from({ length: 6 }, () => videoReader(opened, pool));
    for (const number of [0, 1]) for (const reader of readers) await reader.read(number);
    // Two stay, the others made room and began again.
    expect(starts.filter((from) => from === 1)).toHaveLength(6);
    const all = await Promise.all(readers.map((reader) => reader.read(12)));
    for (const raster of all) expect(raster.values.data).toEqual(pixels[12]);
    await pool.close();
  });

  test('who gives up waits no longer, and others get their frame', async () => {
    const { opened } = await counted(plain);
    const pool = decoderPool();
    const reader = videoReader(opened, pool);
    const gaveUp = new AbortController();
    const [one, other] = [reader.read(20, gaveUp.signal), reader.read(20)];
    gaveUp.abort(new Error('enough'));
    await expect(one).rejects.toThrow('enough');
    expect((await other).values.data).toEqual(pixels[20]);
    await pool.close();
  });

  test('a frame is read in another process from its record alone', async () => {
    const { found } = await run({ path: plain, every: 9 });
    const records = JSON.parse(JSON.stringify(found.map(({ frame }) => frame))) as FrameRecord[];
    const reader = frameReader({ registry: createRegistry(stages) });
    for (const record of records.reverse())
      expect((await reader.frame(record).read()).values.data).toEqual(pixels[record.number]);
    await reader.close();
  });

  test('a file that is another one by now is refused', async () => {
    const path = join(folder, 'changing.mp4');
    await copyFile(plain, path);
    const read = async (): Promise<void> => {
      for await (const frame of runStage(video, { options: { path } })) {
        await writeFile(path, 'something else');
        await frame.read();
      }
    };
    await expect(read()).rejects.toMatchObject({ code: 'E_INPUT_CHANGED' });
  });

  test('frames of a cut file that are missing are counted, wherever it was cut', async () => {
    const { size } = await stat(plain);
    for (const share of [0.5, 0.8, 0.97]) {
      const path = join(folder, `cut${share}.mp4`);
      await copyFile(plain, path);
      await truncate(path, Math.round(size * share));
      const { found, skipped } = await run({ path }, { onError: 'skip' });
      expect(found.length).toBeLessThan(30);
      expect(found.length + skipped.length).toBe(30);
      for (const [i, { raster }] of found.entries()) expect(raster.values.data).toEqual(pixels[i]);
      await expect(run({ path })).rejects.toMatchObject({ code: 'E_FRAMES_MISSING' });
    }
  });

  test('a cut file that does not say how many are missing is one skip', async () => {
    const whole = make('whole.mkv', h264);
    const { size } = await stat(whole);
    await truncate(whole, size - 500);
    const { found, skipped } = await run({ path: whole }, { onError: 'skip' });
    expect(found.length).toBeGreaterThan(10);
    expect(skipped).toEqual([`frame-0000${found.length}`]);
  });

  test('a damaged frame is an error that names it, and with verify a skip by itself', async () => {
    const path = damage(plain, 16);
    await expect(run({ path })).rejects.toMatchObject({
      code: 'E_FRAME_UNREADABLE',
      message: /damaged-plain\.mp4: frame \d+/,
    });
    const { found, skipped, numbers } = await run({ path, verify: true }, { onError: 'skip' });
    expect(skipped.length).toBeGreaterThan(0);
    expect(found.length + skipped.length).toBe(30);
    // From the next key frame on all is whole again.
    expect(numbers).toEqual([...Array.from({ length: 16 }, (_, i) => i), 24, 25, 26, 27, 28, 29]);
    expect(found.at(-1)!.raster.values.data).toEqual(pixels[29]);
  });

  test('the same frames of a damaged video are refused each time', async () => {
    const path = damage(plain, 16);
    const whole = pixels.flatMap((_, i) => (i < 16 || i > 23 ? [i] : []));
    for (let i = 0; i < 8; i++) expect((await run({ path, verify: true }, { onError: 'skip' })).numbers).toEqual(whole);
  });

  test.each([
    ['Motion-JPEG', 'd.mov', ['-c:v', 'mjpeg'], 19, [19]],
    [
      'FFV1, whose next frames are made of a lost one',
      'd.mkv',
      ['-c:v', 'ffv1', '-g', '8', '-level', '3', '-slicecrc', '1'],
      19,
      [19, 20, 21, 22, 23],
    ],
    ['MPEG-4 with frames that come before the damaged one', 'd.avi', ['-c:v', 'mpeg4', '-bf', '2', '-g', '8'], 19, []],
  ])('no frame of a damaged video has other pixels: %s', async (_, name, args, packet, refused) => {
    const whole = make(name, args);
    const good = decode(whole, 64 * 48 * 3);
    const { found, skipped } = await run({ path: damage(whole, packet), verify: true }, { onError: 'skip' });
    expect(skipped.length).toBeGreaterThan(0);
    expect(found.length + skipped.length).toBe(30);
    if (refused.length > 0) expect(skipped.map((item) => Number(item.slice(-2)))).toEqual(refused);
    for (const { frame, raster } of found)
      expect(raster.values.data, `frame ${frame.number}`).toEqual(good[frame.number]);
  });

  test.each([
    ['MPEG-TS', 'alone.ts', h264],
    ['MPEG-PS', 'alone.mpg', ['-c:v', 'mpeg2video', '-bf', '2', '-g', '8', '-r', '25']],
    ['AVI', 'alone.avi', ['-c:v', 'mpeg4', '-bf', '2', '-g', '8']],
    ['MP4 with open groups', 'alone.mp4', ['-c:v', 'libx264', '-bf', '3', '-g', '8', '-x264-params', 'open-gop=1']],
    [
      'HEVC in MPEG-TS',
      'hevc.ts',
      ['-c:v', 'libx265', '-x265-params', 'log-level=error:keyint=8:bframes=3:open-gop=1'],
    ],
  ])('a frame that is read alone is the same as in a row: %s', async (_, name, args) => {
    const path = make(name, [...args, '-pix_fmt', 'yuv420p']);
    const whole = decode(path, 64 * 48 * 3);
    const { opened } = await counted(path);
    expect(opened.seconds).toHaveLength(whole.length);
    for (let number = whole.length - 1; number > 0; number -= 3) {
      const pool = decoderPool();
      const { values } = await videoReader(opened, pool).read(number);
      expect(values.data, `frame ${number}`).toEqual(whole[number]);
      await pool.close();
    }
  });

  test('a file of sound, of text and of nothing is named with what is wrong', async () => {
    const sound = make('sound.mp4', ['-c:a', 'aac'], 'sine=duration=1');
    await writeFile(join(folder, 'empty.mp4'), '');
    await expect(run({ path: sound })).rejects.toMatchObject({
      code: 'E_NO_VIDEO',
      message: /sound\.mp4: has no video stream/,
    });
    await expect(run({ path: text })).rejects.toMatchObject({
      code: 'E_VIDEO_UNREADABLE',
      message: /text\.mp4: cannot be read as a video \(.*\)/,
    });
    await expect(run({ path: join(folder, 'empty.mp4') })).rejects.toMatchObject({ message: /is empty \(0 bytes\)/ });
    const { found, skipped } = await run({ path: [sound, plain] }, { onError: 'skip' });
    expect([found.length, skipped]).toEqual([30, ['sound']]);
  });

  test('a file that only points to others is not followed', async () => {
    const path = join(folder, 'list.mp4');
    for (const text of [
      `ffconcat version 1.0\nfile '${plain}'\n`,
      `#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:3,\n${plain}\n#EXT-X-ENDLIST\n`,
    ]) {
      await writeFile(path, text);
      await expect(run({ path })).rejects.toMatchObject({ code: 'E_VIDEO_UNREADABLE' });
    }
  });

  test('names that look like options or addresses are files', async () => {
    const path = join(folder, '-odd: name%d#1.mp4');
    await copyFile(plain, path);
    expect((await run({ path })).numbers).toHaveLength(30);
  });

  test('frames have the instant that the file says its recording began at', async () => {
    const path = make('dated.mov', ['-metadata', 'creation_time=2024-02-03T04:05:06Z', ...h264]);
    const { found } = await run({ path, every: 15 });
    expect(found.map(({ frame }) => frame.at)).toEqual(['2024-02-03T04:05:06.000Z', '2024-02-03T04:05:07.500Z']);
  });

  test('pictures that are stored on their side come out upright', async () => {
    const path = join(folder, 'turned.mp4');
    spawnSync('ffmpeg', ['-v', 'error', '-i', plain, '-c', 'copy', '-metadata:s:v', 'rotate=90', '-y', path]);
    const { found } = await run({ path, to: 0.3 });
    const { frame, raster } = found[0]!;
    expect([frame.width, frame.height]).toEqual([48, 64]);
    expect(raster.values.shape).toEqual([64, 48, 3]);
    expect(raster.values.data).toEqual(decode(path, 64 * 48 * 3)[0]);
  });

  test('a video whose frames change their size ends with an error', async () => {
    const small = make('small.ts', ['-output_ts_offset', '3', ...h264], 'testsrc2=size=32x48:rate=10:duration=1');
    const path = join(folder, 'mixed.ts');
    await writeFile(
      path,
      Buffer.concat([
        await readFile(make('first.ts', h264, 'testsrc2=size=64x48:rate=10:duration=1')),
        await readFile(small),
      ]),
    );
    await expect(run({ path })).rejects.toMatchObject({ code: 'E_FRAME_SIZE', message: /from 64 x 48 to 32 x 48/ });
  });

  test('more pixels than are allowed are refused before anything is decoded', async () => {
    await expect(run({ path: plain, maxPixels: 3071 })).rejects.toMatchObject({
      code: 'E_PICTURE_TOO_LARGE',
      message: /64 x 48 = 3072 pixels/,
    });
  });

  test.skipIf(!existsSync('/proc/self/stat'))('nothing is left running when a run ends half-way', async () => {
    let seen = 0;
    for await (const frame of runStage(video, { options: { path: plain } })) {
      await frame.read();
      if (++seen === 3) break;
    }
    // "4711 (ffmpeg) S 815 …": the parent's number stands behind the state.
    const stats = (await readdir('/proc'))
      .filter((name) => /^\d+$/.test(name))
      .map((pid) => readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ''));
    const ours = (await Promise.all(stats)).filter(
      (stat) => / \((?:ffmpeg|ffprobe)\) \w (\d+)/.exec(stat)?.[1] === String(process.pid),
    );
    expect(ours).toEqual([]);
  });
});
