import { execFileSync } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readdir, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Description, Frame, InputFile } from '@deepearth/core';
import { describeAlone, runStage, type RunStageOptions } from '@deepearth/runtime/run-stage';
import { describeStage } from '@deepearth/testing';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { frames } from './frames.ts';

let root = '';
let serial = 0;
const image = (seed: number, width = 24, height = 16): Promise<Buffer> =>
  sharp(
    Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 31 + seed * 97) % 256),
    { raw: { width, height, channels: 3 } },
  )
    .png()
    .toBuffer();

async function folder(
  numbers: readonly number[],
  name = (n: number) => `frame_${String(n).padStart(4, '0')}.png`,
): Promise<string> {
  const path = join(root, `set-${serial++}`);
  await mkdir(path);
  for (const number of numbers) await writeFile(join(path, name(number)), await image(number));
  return path;
}

// The conformance suite wants its options when tests are declared.
const good = await mkdtemp(join(tmpdir(), 'good-frames-'));
const bad = await mkdtemp(join(tmpdir(), 'bad-frames-'));
for (const number of [1, 2, 3, 4, 5]) {
  await writeFile(join(good, `f${number}.png`), await image(number));
  await writeFile(join(bad, `f${number}.png`), number === 3 ? new Uint8Array(0) : await image(number));
}
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'frames-stage-'));
});
afterAll(async () => {
  for (const path of [root, good, bad]) await rm(path, { recursive: true, force: true });
});

describeStage(frames, {
  options: { directory: good, fps: 10 },
  otherOptions: { directory: good, values: 'stored' },
  broken: { options: { directory: bad }, says: /f3\.png: is empty \(0 bytes\)/, left: 4 },
  output(found) {
    expect(found.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5]);
    expect(found.map(({ seconds }) => seconds)).toEqual([0, 0.1, 0.2, 0.30000000000000004, 0.4]);
    expect(found.map(({ id }) => id)[0]).toBe('frame-000001');
  },
});

type Options = NonNullable<RunStageOptions<typeof frames.options>['options']>;
async function run(options: Options, rest: RunStageOptions<typeof frames.options> = {}) {
  const found: Frame[] = [];
  const warnings: string[] = [];
  const inputs: InputFile[] = [];
  for await (const frame of runStage(frames, {
    options,
    onInput: (file) => inputs.push(file),
    onEvent: (event) => void (event.type === 'warning' && warnings.push(event.message)),
    ...rest,
  }))
    found.push(frame);
  return { found, warnings, inputs };
}

describe('frames', () => {
  test('have keys that follow from their content, not from name, place or number', async () => {
    const one = await folder([1, 2]);
    const other = await folder([1, 2], (n) => `other-${n + 40}.png`);
    const keys = async (directory: string) => (await run({ directory })).found.map(({ key }) => key);
    expect(await keys(one)).toEqual(await keys(other));
    expect(new Set(await keys(one)).size).toBe(2);
  });

  test('record every file that was read, with its digest', async () => {
    const directory = await folder([7, 8]);
    const { inputs } = await run({ directory });
    expect(inputs.map(({ path }) => path)).toEqual([
      join(directory, 'frame_0007.png'),
      join(directory, 'frame_0008.png'),
    ]);
    expect(inputs.every(({ bytes, sha256 }) => bytes > 50 && /^[0-9a-f]{64}$/.test(sha256))).toBe(true);
  });

  test('keep their time across a gap', async () => {
    const directory = await folder([10, 11, 14]);
    expect((await run({ directory, intervalSeconds: 60 })).found.map(({ seconds }) => seconds)).toEqual([0, 60, 240]);
    expect((await run({ directory })).found.map(({ seconds }) => seconds)).toEqual([undefined, undefined, undefined]);
  });

  test('can be read again, from the cache or from the file', async () => {
    const directory = await folder([1, 2, 3]);
    for (const cacheBytes of [0, 2 ** 20]) {
      for await (const frame of runStage(frames, { options: { directory, cacheBytes } })) {
        const [first, second] = [await (frame as Frame).read(), await (frame as Frame).read()];
        expect(first.values).toEqual(second.values);
        expect(first === second).toBe(cacheBytes > 0);
      }
    }
  });

  test('that several read at once are decoded once, kept or not', async () => {
    const directory = await folder([1]);
    for (const cacheBytes of [0, 2 ** 20]) {
      for await (const frame of runStage(frames, {
        options: { directory, cacheBytes, spillBytes: 0, verify: false },
      })) {
        const [one, other] = await Promise.all([(frame as Frame).read(), (frame as Frame).read()]);
        expect(one).toBe(other);
      }
    }
  });

  test('that change after they were listed are an error when they are read', async () => {
    const directory = await folder([1]);
    const { found } = await run({ directory, cacheBytes: 0 });
    await writeFile(join(directory, 'frame_0001.png'), await image(99));
    await expect(found[0]!.read()).rejects.toThrow(/frame_0001\.png: has changed since it was first read/);
  });

  test('are not read when the reader has been aborted', async () => {
    const { found } = await run({ directory: await folder([1]) });
    await expect(found[0]!.read({ signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough');
  });
});

describe('gaps and duplicates', () => {
  test('a gap is a warning with the numbers that are missing, or an error', async () => {
    const directory = await folder([1, 2, 5]);
    const { found, warnings } = await run({ directory });
    expect(found).toHaveLength(3);
    expect(warnings).toEqual([`${directory}: 2 frame numbers are missing: 3–4`]);
    await expect(run({ directory, gaps: 'error' })).rejects.toThrow(/2 frame numbers are missing: 3–4/);
  });

  test('a duplicate is an error with both files, or the first is taken with a warning', async () => {
    const directory = await folder([1, 2]);
    await writeFile(join(directory, 'frame_2.png'), await image(50));
    await expect(run({ directory })).rejects.toThrow(
      /frame_0002\.png and frame_2\.png both have the frame number 2.*duplicates: first/,
    );
    const { found, warnings } = await run({ directory, duplicates: 'first' });
    expect(found).toHaveLength(2);
    expect(warnings.join()).toMatch(/left out: frame_2\.png/);
  });

  test('are in the plan already', async () => {
    const answer = await describeAlone(frames, { options: { directory: await folder([1, 2, 4]) } });
    expect(answer).toMatchObject({
      output: { count: 3 },
      warnings: [expect.stringMatching(/: 1 frame number is missing: 3$/)],
      notes: ['ordered by number (the last digits of the names): 3 frames, frame_0001.png to frame_0004.png'],
    });
  });
});

describe('time', () => {
  test('comes from names, and counts from the first frame of each sequence', async () => {
    const directory = await folder([]);
    for (const name of ['a/20240131_235959.png', 'a/20240201_000001.png', 'b/20240301_120000.png']) {
      await mkdir(dirname(join(directory, name)), { recursive: true });
      await writeFile(join(directory, name), await image(1));
    }
    const { found } = await run({ directory, recursive: true, timeZone: '+01:00' });
    expect(found.map(({ id, sequence, at, seconds }) => [id, sequence, at, seconds])).toEqual([
      ['a/frame-000000', 'a', '2024-01-31T22:59:59Z', 0],
      ['a/frame-000001', 'a', '2024-01-31T23:00:01Z', 2],
      ['b/frame-000000', 'b', '2024-03-01T11:00:00Z', 0],
    ]);
    expect(await describeAlone(frames, { options: { directory, recursive: true } })).toMatchObject({
      output: { count: 3, sequences: ['a', 'b'], counts: [2, 1] },
    });
  });

  test('is that of `intervalSeconds` where it is given', async () => {
    const { found } = await run({ directory: await folder([10, 12]), intervalSeconds: 30 });
    expect(found.map(({ at, seconds }) => [at, seconds])).toEqual([
      [undefined, 0],
      [undefined, 60],
    ]);
  });

  test.each([
    [{ pattern: '(' }, /pattern: .*Unterminated group/],
    [{ time: '(?<month>\\d\\d)' }, /time: it needs a group `year` or `epoch`/],
    [{ timeZone: 'Mars/Olympus' }, /timeZone: it is no time zone/],
  ])('cannot be read with %o, which is found before anything runs', async (options, says) => {
    await expect(run({ directory: '.', ...options })).rejects.toThrow(says);
  });
});

test('the plan says what is kept on disk of pixels that memory has no room for', async () => {
  const directory = await folder([1, 2]);
  const notes = async (options: object) => {
    const described = await describeAlone(frames, { options: { directory, ...options } });
    return 'notes' in described ? described.notes!.slice(1) : undefined;
  };
  expect(await notes({})).toEqual([]);
  expect(await notes({ cacheBytes: 24 * 16 * 3 })).toEqual([
    'the frames hold 1 MiB of pixels: up to 1 MiB are kept in the work folder where they are read again later',
  ]);
  expect(await notes({ cacheBytes: 0, spillBytes: 0 })).toEqual([
    expect.stringMatching(
      /up to 0 MiB are kept .*, and what has no room there is decoded again if it is drawn much later/,
    ),
  ]);
});

describe('sizes', () => {
  test('that differ are an error naming both files, are skipped, or are allowed', async () => {
    const directory = await folder([1, 2, 3]);
    await writeFile(join(directory, 'frame_0002.png'), await image(2, 30, 16));
    await expect(run({ directory })).rejects.toThrow(
      /frame_0002\.png: is 30 x 16 pixels, but most pictures of the folder are 24 x 16.*sizes: any/s,
    );
    expect((await run({ directory }, { onError: 'skip' })).found.map(({ number }) => number)).toEqual([1, 3]);
    expect((await run({ directory, sizes: 'any' })).found.map(({ width }) => width)).toEqual([24, 30, 24]);
    const mixed = async (sizes: 'any' | 'same') =>
      ((await describeAlone(frames, { options: { directory, sizes } })) as Description).output.mixedSizes;
    expect([await mixed('any'), await mixed('same')]).toEqual([true, undefined]);
  });

  test('are known to the plan from the first header alone', async () => {
    const directory = await folder([1, 2]);
    await truncate(join(directory, 'frame_0002.png'), 10);
    expect(await describeAlone(frames, { options: { directory } })).toMatchObject({
      output: { axes: [{ size: 16 }, { size: 24 }, { size: 3 }], count: 2 },
    });
    expect(await describeAlone(frames, { options: { directory }, survey: false })).toMatchObject({
      output: { axes: [{ size: null }, { size: null }, { size: 3 }], count: null },
    });
  });
});

describe('files that are no pictures', () => {
  test('are skipped like any other, the first and all of them too', async () => {
    const directory = await folder([1, 2]);
    await writeFile(join(directory, 'frame_0000.png'), 'no picture');
    await mkdir(join(directory, 'frame_0003.png'));
    await symlink(join(directory, 'nowhere'), join(directory, 'frame_0004.png'));
    if (process.platform !== 'win32') execFileSync('mkfifo', [join(directory, 'frame_0005.png')]);
    expect((await run({ directory }, { onError: 'skip' })).found.map(({ number }) => number)).toEqual([1, 2]);
    await expect(run({ directory, first: 3, last: 3 })).rejects.toThrow(/frame_0003\.png: is a folder, not a file/);
    await expect(run({ directory, first: 4, last: 4 })).rejects.toThrow(/frame_0004\.png: there is no such file/);
    if (process.platform !== 'win32')
      await expect(run({ directory, first: 5 })).rejects.toThrow(/frame_0005\.png: is a pipe \(FIFO\), not a file/);
  });

  test('may be all there is: the plan says so, and a run that skips them ends without frames', async () => {
    const directory = await folder([]);
    for (const name of ['a1.png', 'a2.png']) await writeFile(join(directory, name), 'no picture');
    expect(await describeAlone(frames, { options: { directory } })).toMatchObject({
      output: { axes: [{ size: null }, { size: null }, { size: 3 }], count: 2 },
      warnings: ['no picture of the folder can be read'],
    });
    expect((await run({ directory }, { onError: 'skip' })).found).toEqual([]);
    await expect(run({ directory })).rejects.toThrow(/a1\.png: cannot be read as a picture/);
  });
});

test('options that contradict each other are refused with the option at fault', async () => {
  expect(
    await describeAlone(frames, { options: { directory: good, fps: 1, intervalSeconds: 1 }, survey: false }),
  ).toMatchObject({ refused: 'both `fps` and `intervalSeconds` are given.', option: 'fps' });
  expect(await describeAlone(frames, { options: { directory: good, first: 5, last: 2 }, survey: false })).toMatchObject(
    { option: 'first' },
  );
});

test('without `verify` a damaged file passes and fails where it is read', async () => {
  const directory = await folder([1, 2]);
  const path = join(directory, 'frame_0002.png');
  await copyFile(join(directory, 'frame_0001.png'), path);
  const whole = (await readdir(directory)).length;
  await truncate(path, 200);
  await expect(run({ directory })).rejects.toThrow(/frame_0002\.png: cannot be read as a picture/);
  const { found } = await run({ directory, verify: false });
  expect(found).toHaveLength(whole);
  await expect(found[1]!.read()).rejects.toThrow(/frame_0002\.png: cannot be read as a picture/);
});

const aerial = fileURLToPath(new URL('../../../../shared/data/ncar', import.meta.url));
test.skipIf(!existsSync(aerial))('reads the 16 aerial frames (skipped where they are not at hand)', async () => {
  const { found, warnings } = await run({ directory: aerial });
  expect(warnings).toEqual([]);
  expect(found.map(({ number }) => number)).toEqual(Array.from({ length: 16 }, (_, i) => 616 + i));
  expect(found.every(({ width, height }) => width === 360 && height === 360)).toBe(true);
});
