import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRegistry, frameReader, isRefusal, type Frame, type FrameRecord } from '@deepearth/core';
import { describeAlone, runStage, type RunStageOptions } from '@deepearth/runtime/run-stage';
import { describeStage } from '@deepearth/testing';
import sharp from 'sharp';
import { afterAll, describe, expect, test } from 'vitest';
import { decoderOnce, openVideo } from './open-video.ts';
import { stages } from './stages.ts';
import { video } from './video.ts';

// The conformance suite wants its files when tests are declared.
const folder = await mkdtemp(join(tmpdir(), 'video-source-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A GIF whose n-th frame has its number as colour. */
async function makeGif(path: string, delays: readonly number[], width = 16, height = 12): Promise<string> {
  const pictures = delays.map((_, number) =>
    sharp(new Uint8Array(width * height * 3).fill(20 + number * 20), { raw: { width, height, channels: 3 } })
      .png()
      .toBuffer(),
  );
  const joined = sharp(await Promise.all(pictures), { join: { animated: true } });
  await writeFile(join(folder, path), await joined.gif({ delay: [...delays], reuse: true }).toBuffer());
  return join(folder, path);
}

const gif = await makeGif('clouds.gif', [100, 200, 300, 100, 200, 300]);
await mkdir(join(folder, 'several'));
const other = await makeGif('several/b.gif', [50, 50, 50, 50], 20, 10);
await copyFile(gif, join(folder, 'several', 'a.gif'));
const cut = join(folder, 'cut.gif');
await writeFile(cut, (await readFile(gif)).subarray(0, -25));
const broken = join(folder, 'broken.gif');
await writeFile(broken, 'GIF89a and nothing that would be one');

describeStage(video, {
  options: { path: gif },
  otherOptions: { path: gif, every: 2 },
  broken: { options: { path: [gif, broken] }, says: /broken\.gif: begins as a GIF and has no whole frame/, left: 6 },
  output(found) {
    expect(found.map(({ number }) => number)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(found.map(({ seconds }) => seconds)).toEqual([0, 0.1, 0.3, 0.6, 0.7, 0.9]);
    expect(found[0]).toMatchObject({ id: 'frame-000000', sequence: 'clouds', width: 16, height: 12 });
  },
});
describeStage(video, { title: 'with several files', options: { path: join(folder, 'several'), verify: true } });

type Options = RunStageOptions<typeof video.options>;
async function run(options: NonNullable<Options['options']>, rest: Options = {}) {
  const found: Frame[] = [];
  const [warnings, skipped]: [string[], string[]] = [[], []];
  for await (const frame of runStage(video, {
    options,
    onEvent: (event) => {
      if (event.type === 'warning') warnings.push(event.message);
      if (event.type === 'skipped') skipped.push(event.item);
    },
    ...rest,
  }))
    found.push(frame);
  return { found, warnings, skipped };
}
const numbers = ({ found }: { found: readonly Frame[] }): number[] => found.map(({ number }) => number);

describe('source/video', () => {
  test('reads what the frames show', async () => {
    const shown: number[] = [];
    for await (const frame of runStage(video, { options: { path: gif } }))
      shown.push((await frame.read()).values.data[0]!);
    expect(shown).toEqual([20, 40, 60, 80, 100, 120]);
  });

  test('takes a range of time, a rate by the times of frames, or every n-th', async () => {
    expect(numbers(await run({ path: gif, from: 0.3, to: 0.9 }))).toEqual([2, 3, 4]);
    // At 0, 0.25, 0.5, 0.75 and 1 s.
    expect(numbers(await run({ path: gif, framesPerSecond: 4 }))).toEqual([0, 1, 2, 4, 5]);
    expect(numbers(await run({ path: gif, every: 4 }))).toEqual([0, 4]);
  });

  test('begins a new sequence after a pause', async () => {
    const { found } = await run({ path: gif, maxGapSeconds: 0.25 });
    expect(found.map(({ sequence }) => sequence)).toEqual([
      ...Array<string>(3).fill('clouds/000000'),
      ...Array<string>(3).fill('clouds/000003'),
    ]);
  });

  test('takes each file for a sequence, of any size', async () => {
    const { found } = await run({ path: join(folder, 'several') });
    expect([...new Set(found.map(({ sequence, width }) => `${sequence} ${width}`))]).toEqual(['a 16', 'b 20']);
    const named = await run({ path: [other, gif], sequence: 'sky' });
    expect([...new Set(named.found.map(({ sequence }) => sequence))]).toEqual(['sky/b', 'sky/clouds']);
    const alone = await run({ path: gif, sequence: 'sky' });
    expect(alone.found[0]!.sequence).toBe('sky');
  });

  test('gives a frame the same key wherever the file lies, and another to every other', async () => {
    const keys = async (path: string): Promise<string[]> => (await run({ path })).found.map(({ key }) => key);
    const [one, same] = [await keys(gif), await keys(join(folder, 'several', 'a.gif'))];
    expect(one).toEqual(same);
    expect(new Set([...one, ...(await keys(other))]).size).toBe(10);
  });

  test('sends the part of each sequence that it is asked for', async () => {
    const part = await run({ path: join(folder, 'several') }, { range: { frames: { first: 1, end: 3 } } });
    expect(part.found.map(({ sequence, number }) => `${sequence}${number}`)).toEqual(['a1', 'a2', 'b1', 'b2']);
  });

  test('stops at what a cut file lacks, or counts it as skipped', async () => {
    await expect(run({ path: cut })).rejects.toMatchObject({
      code: 'E_FRAMES_MISSING',
      message: /cut\.gif: is cut short/,
    });
    const { found, skipped, warnings } = await run({ path: cut }, { onError: 'skip' });
    expect(found).toHaveLength(5);
    expect(skipped).toEqual(['frame-000005']);
    expect(warnings).toContainEqual(expect.stringMatching(/cut\.gif is cut short/));
    // Of a run in parts, the part that would have sent it says so.
    const parts = [
      { first: 0, end: 3 },
      { first: 3, end: 6 },
    ].map((frames) => run({ path: cut }, { onError: 'skip', range: { frames } }));
    expect((await Promise.all(parts)).map((part) => [part.found.length, part.skipped.length])).toEqual([
      [3, 0],
      [2, 1],
    ]);
    // Who wants what is there alone has it.
    expect((await run({ path: cut, to: 0.9 })).found).toHaveLength(5);
  });

  test('names a file of which nothing is read', async () => {
    await expect(run({ path: gif, from: 7 })).rejects.toMatchObject({
      code: 'E_NO_FRAMES',
      message: /no frame lies between `from` and `to`; it has frames from 0 s to 1\.2 s/,
    });
    const left = await run({ path: [gif, other], from: 0.5 }, { onError: 'skip' });
    expect([left.found.length, left.skipped]).toEqual([3, ['b']]);
  });

  test('has its frames read again from their records, by number', async () => {
    const { found } = await run({ path: gif });
    const records = JSON.parse(JSON.stringify(found)) as FrameRecord[];
    expect(records[2]!.locator).toMatchObject({ source: 'source/video', index: 2, seconds: 0.3 });
    const reader = frameReader({ registry: createRegistry(stages) });
    const shown = [5, 1, 3].map(async (number) => (await reader.frame(records[number]!).read()).values.data[0]);
    expect(await Promise.all(shown)).toEqual([120, 40, 80]);
    const beyond = { ...records[0]!, locator: { ...records[0]!.locator, index: 6 } };
    await expect(reader.frame(beyond).read()).rejects.toMatchObject({ code: 'E_LOCATOR' });
    const foreign = { ...records[0]!, locator: { ...records[0]!.locator, sha256: '0'.repeat(64) } };
    await expect(reader.frame(foreign).read()).rejects.toMatchObject({ code: 'E_INPUT_CHANGED' });
    await reader.close();
  });

  test('is described without decoding: counts, size, and what is odd', async () => {
    const { signal } = new AbortController();
    const described = async (options: NonNullable<Options['options']>) => {
      const parsed = video.options.parse(options);
      const survey = await video.survey!(parsed, signal);
      const found = video.describe(undefined, { options: parsed, survey, inputs: [] });
      if (isRefusal(found)) throw new Error(found.refused);
      return found;
    };
    const one = await described({ path: gif, every: 2 });
    expect(one.output).toMatchObject({ count: 3, counts: [3], sequences: ['clouds'], dtype: 'uint8' });
    expect(one.notes).toEqual([
      'clouds.gif: 6 frames of 16 x 12 in 1.2 s (GIF animation, decoded by sharp), of which 3 are taken',
    ]);
    const several = await described({ path: [join(folder, 'several'), broken, cut], cacheBytes: 0 });
    expect(several.output).toMatchObject({ count: 15, counts: [6, 4, 5], sequences: ['a', 'b', 'cut'] });
    expect(several.output.axes.map(({ size }) => size)).toEqual([null, null, 3]);
    expect(several.warnings).toEqual([
      expect.stringMatching(/broken\.gif: begins as a GIF/),
      expect.stringMatching(/cut\.gif is cut short/),
    ]);
    expect((await described({ path: gif, framesPerSecond: 50 })).warnings).toEqual([
      expect.stringMatching(/has 5\.556 frames per second, fewer than the 50 that are asked for/),
    ]);
  });

  test('needs ffmpeg for videos, says how to get it, and reads animations without', async () => {
    const path = join(folder, 'film.mp4');
    await writeFile(path, 'whatever a camera wrote');
    const { PATH } = process.env;
    process.env['PATH'] = folder;
    try {
      const described = await describeAlone(video, { options: { path: [gif, path] } });
      expect(described).toMatchObject({
        refused: 'no ffmpeg is on the path.',
        option: 'path',
        remedy: expect.stringMatching(/apt install ffmpeg/),
      });
      await expect(openVideo(path, { maxPixels: 9999, decoder: decoderOnce() })).rejects.toMatchObject({
        code: 'E_VIDEO_DECODER',
        message: /film\.mp4: cannot be decoded: no ffmpeg is on the path\. Install ffmpeg/,
      });
      expect((await run({ path: gif })).found).toHaveLength(6);
    } finally {
      process.env['PATH'] = PATH;
    }
  });

  test('refuses options that make no sense together', async () => {
    expect(await describeAlone(video, { options: { path: gif, from: 2, to: 2 } })).toMatchObject({ option: 'from' });
    expect(await describeAlone(video, { options: { path: gif, framesPerSecond: 2, every: 2 } })).toMatchObject({
      option: 'every',
    });
  });
});
