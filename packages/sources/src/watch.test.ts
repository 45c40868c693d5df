import { appendFile, mkdir, mkdtemp, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Frame, RunEvent } from '@deepearth/core';
import { describeAlone, runStage, type RunStageOptions } from '@deepearth/runtime/run-stage';
import { describeStage } from '@deepearth/testing';
import sharp from 'sharp';
import { afterAll, describe, expect, test } from 'vitest';
import { fileOrder } from './watch-order.ts';
import { watch } from './watch.ts';

const image = (seed: number, width = 24, height = 16): Promise<Buffer> =>
  sharp(
    Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 31 + seed * 97) % 256),
    { raw: { width, height, channels: 3 } },
  )
    .png()
    .toBuffer();

const folders: string[] = [];
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});
async function folderOf(files: Readonly<Record<string, number | Uint8Array>> = {}): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'watch-'));
  folders.push(folder);
  for (const [name, content] of Object.entries(files)) await put(folder, name, content);
  return folder;
}
async function put(folder: string, name: string, content: number | Uint8Array): Promise<void> {
  await mkdir(dirname(join(folder, name)), { recursive: true });
  await writeFile(join(folder, name), typeof content === 'number' ? await image(content) : content);
}

/** The shortest waits with which nothing depends on how quick this machine is: nobody writes while these tests wait. */
const quick = { stableSeconds: 0.02, pollSeconds: 0.01, patienceSeconds: 0.05, idleEndSeconds: 0.05 };

const name = (minute: number): string => `cam_20240501_10${String(minute).padStart(2, '0')}00.png`;
// The conformance suite wants its options when tests are declared.
const good = await folderOf({ [name(2)]: 2, [name(0)]: 0, [name(1)]: 1, [name(3)]: 3 });
const bad = await folderOf({ [name(0)]: 0, [name(1)]: new Uint8Array(0), [name(2)]: 2, [name(3)]: 3 });

describeStage(watch, {
  options: { directory: good, ...quick },
  otherOptions: { directory: good, ...quick, values: 'stored' },
  broken: { options: { directory: bad, ...quick }, says: /cam_20240501_100100\.png: is empty \(0 bytes\)/, left: 3 },
  output(found) {
    expect(found.map(({ number, at, seconds }) => [number, at, seconds])).toEqual([
      [0, '2024-05-01T10:00:00Z', 0],
      [1, '2024-05-01T10:01:00Z', 60],
      [2, '2024-05-01T10:02:00Z', 120],
      [3, '2024-05-01T10:03:00Z', 180],
    ]);
  },
});

type Options = Partial<NonNullable<RunStageOptions<typeof watch.options>['options']>>;

interface Watching extends RunStageOptions<typeof watch.options> {
  /** Called with every frame, before the next is asked for; false leaves. */
  readonly onFrame?: (frame: Frame, count: number) => unknown;
}

/** Watches a folder to its end. */
async function run(directory: string, options: Options = {}, { onFrame, ...rest }: Watching = {}) {
  const found: Frame[] = [];
  const events: RunEvent[] = [];
  for await (const frame of runStage(watch, {
    options: { directory, ...quick, ...options },
    onEvent: (event) => events.push(event),
    ...rest,
  })) {
    found.push(frame);
    if ((await onFrame?.(frame, found.length)) === false) break;
  }
  const of = (type: 'warning' | 'skipped' | 'info'): string[] =>
    events.flatMap((event) =>
      event.type === type ? [event.message.replaceAll(`${directory}/`, '').replaceAll(`${directory}: `, '')] : [],
    );
  return { found, warnings: of('warning'), skipped: of('skipped'), infos: of('info') };
}
const files = (frames: readonly Frame[]) => frames.map(({ locator: { uri } }) => uri.split('/').at(-1)!);
const isCalled = (frame: Frame, file: string): boolean => frame.locator.uri.endsWith(file);

describe('pictures that come while the folder is watched', () => {
  test('are sent as they come, whether they are written at once, in pieces or under another name first', async () => {
    const directory = await folderOf({ [name(0)]: 0 });
    const bytes = await image(2);
    const { found, warnings } = await run(
      directory,
      { stableSeconds: 0.2, idleEndSeconds: 1, patienceSeconds: 5 },
      {
        async onFrame(frame) {
          if (isCalled(frame, name(0))) {
            await put(directory, `.${name(1)}.part`, 1);
            await put(directory, `${name(1)}.tmp`, 1);
            await rename(join(directory, `${name(1)}.tmp`), join(directory, name(1)));
          }
          if (isCalled(frame, name(1))) {
            const path = join(directory, name(2));
            await writeFile(path, bytes.subarray(0, 40));
            setTimeout(() => void appendFile(path, bytes.subarray(40)), 50);
          }
        },
      },
    );
    expect(files(found)).toEqual([name(0), name(1), name(2)]);
    expect(await found[2]!.read()).toEqual(expect.objectContaining({ channels: ['red', 'green', 'blue'] }));
    expect(warnings).toEqual([]);
  });

  test('are not sent before they are whole, also when their writer rests for longer than `stableSeconds`', async () => {
    const bytes = await image(1);
    const directory = await folderOf({ [name(0)]: 0, [name(1)]: bytes.subarray(0, 60) });
    const { found } = await run(
      directory,
      { patienceSeconds: 60, idleEndSeconds: 0.3 },
      {
        onFrame(frame) {
          // Tried as it is by then, and found not to be whole.
          if (isCalled(frame, name(0)))
            setTimeout(() => void appendFile(join(directory, name(1)), bytes.subarray(60)), 300);
        },
      },
    );
    expect(files(found)).toEqual([name(0), name(1)]);
  });

  test('wait for an earlier one that is being written, and come in order', async () => {
    const bytes = await image(1);
    const directory = await folderOf({ [name(0)]: 0, [name(1)]: bytes.subarray(0, 60), [name(2)]: 2 });
    setTimeout(() => void appendFile(join(directory, name(1)), bytes.subarray(60)), 300);
    const { found, warnings } = await run(directory, { patienceSeconds: 60, idleEndSeconds: 0.3 });
    expect(files(found)).toEqual([name(0), name(1), name(2)]);
    expect(warnings).toEqual([]);
  });

  test('are left out, named and counted where they come after a later one, or are an error', async () => {
    const late = (directory: string) => ({
      onFrame: async (_: Frame, count: number) => {
        if (count === 1) await put(directory, name(1), 1);
        if (count === 1) await put(directory, name(7), 7);
      },
    });
    const one = await folderOf({ [name(5)]: 5 });
    const { found, warnings } = await run(one, {}, late(one));
    expect(files(found)).toEqual([name(5), name(7)]);
    expect(warnings).toEqual([`${name(1)} came when a later frame had been sent, and is left out`]);
    const other = await folderOf({ [name(5)]: 5 });
    await expect(run(other, { late: 'error' }, late(other))).rejects.toThrow(
      /cam_20240501_100100\.png: belongs before cam_20240501_100500\.png, which has been sent\. .*late: warn/,
    );
    const third = await folderOf({ [name(5)]: 5 });
    const { skipped } = await run(third, { late: 'error' }, { onError: 'skip', ...late(third) });
    expect(skipped).toEqual([expect.stringContaining('belongs before')]);
  });

  test('may vanish before they are read', async () => {
    const directory = await folderOf({ [name(0)]: 0 });
    const { found, warnings } = await run(
      directory,
      { stableSeconds: 0.4, idleEndSeconds: 1 },
      {
        async onFrame(_, count) {
          if (count > 1) return;
          await put(directory, name(1), 1);
          setTimeout(() => void rm(join(directory, name(1))), 100);
        },
      },
    );
    expect(files(found)).toEqual([name(0)]);
    // It may have been gone before it was seen at all.
    expect([[], [`${name(1)} was gone before it was read`]]).toContainEqual(warnings);
  });

  test('are said to be written again after they were sent', async () => {
    const directory = await folderOf({ 'latest.png': 1 });
    const { found, warnings } = await run(
      directory,
      { idleEndSeconds: 0.3 },
      {
        onFrame: () => put(directory, 'latest.png', image.length + 5),
      },
    );
    expect(found).toHaveLength(1);
    expect(warnings).toEqual(['latest.png was written again after it was sent; what it holds now is not sent']);
  });

  test('are taken for a consumer that is slow, in order', async () => {
    const directory = await folderOf({ [name(0)]: 0, [name(9)]: 9 });
    const { found } = await run(
      directory,
      { patienceSeconds: 60 },
      {
        async onFrame(frame) {
          if (!isCalled(frame, name(0))) return;
          // They come while the first is worked on, and belong before the rest.
          for (const minute of [3, 1, 2]) await put(directory, name(minute), minute);
          await new Promise((resolve) => setTimeout(resolve, 150));
        },
      },
    );
    expect(files(found)).toEqual([0, 1, 2, 3, 9].map(name));
  });
});

describe('frames', () => {
  test('of folders in the folder are sequences that come in turns, those of new folders too', async () => {
    const directory = await folderOf({ [`north/${name(0)}`]: 1, [`south/DCIM/100MEDIA/${name(1)}`]: 2 });
    const { found } = await run(
      directory,
      { recursive: true },
      {
        onFrame: async (_, count) => {
          if (count === 2) await put(directory, `east/${name(2)}`, 3);
          if (count === 3) await put(directory, `north/${name(3)}`, 4);
        },
      },
    );
    expect(found.map(({ id, seconds }) => [id, seconds])).toEqual([
      ['north/frame-000000', 0],
      ['south/frame-000000', 0],
      ['east/frame-000000', 0],
      ['north/frame-000001', 180],
    ]);
    expect(await describeAlone(watch, { options: { directory, recursive: true } })).toMatchObject({
      output: { count: null, sequences: null, interleaved: true },
    });
  });

  test('without a time in name or EXIF come as they were written, with the numbers that `pattern` finds', async () => {
    const directory = await folderOf({ 'b.png': 1, 'a.png': 2 });
    await utimes(join(directory, 'b.png'), 1000, 1000);
    await utimes(join(directory, 'a.png'), 2000, 2000);
    const { found, infos } = await run(directory);
    expect(found.map((frame) => [files([frame])[0], frame.number, frame.at])).toEqual([
      ['b.png', 0, undefined],
      ['a.png', 1, undefined],
    ]);
    expect(infos).toContain('ordered by arrival (neither names nor EXIF data say when pictures were taken)');
    const numbered = await folderOf({ 'x7-1.png': 1, 'x9-1.png': 2 });
    expect((await run(numbered, { pattern: 'x(\\d+)' })).found.map(({ number }) => number).sort()).toEqual([7, 9]);
    expect((await run(numbered, { order: 'number', pattern: 'x(\\d+)' })).found.map(({ number }) => number)).toEqual([
      7, 9,
    ]);
    await expect(run(numbered, { order: 'number' })).rejects.toThrow(/has the frame number 1, which was sent before/);
    expect(files((await run(directory, { order: 'name' })).found)).toEqual(['a.png', 'b.png']);
  });

  const taken = (at: string, seed: number) =>
    sharp({ create: { width: 24, height: 16, channels: 3, background: { r: seed, g: 0, b: 0 } } })
      .withExif({ IFD2: { DateTimeOriginal: at } })
      .jpeg()
      .toBuffer();

  test('have the time in EXIF where names have none', async () => {
    const directory = await folderOf({
      'IMG_2.jpg': await taken('2024:05:01 10:00:00', 1),
      'IMG_1.jpg': await taken('2024:05:01 10:00:05', 2),
      'IMG_3.jpg': await image(3),
    });
    const { found, warnings } = await run(directory, { timeZone: '+02:00' });
    expect(found.map((frame) => [files([frame])[0], frame.at])).toEqual([
      ['IMG_2.jpg', '2024-05-01T08:00:00Z'],
      ['IMG_1.jpg', '2024-05-01T08:00:05Z'],
    ]);
    expect(warnings).toEqual(['IMG_3.jpg has nothing that says where it belongs in the order, and is left out']);
  });

  test('go by EXIF where half of them have it, whichever a folder lists first', async () => {
    const directory = await folderOf({ 'a.jpg': await image(1), 'b.jpg': await taken('2024:05:01 10:00:00', 2) });
    const asked = { directory, timeZone: 'UTC' };
    for (const files of [
      ['a.jpg', 'b.jpg'],
      ['b.jpg', 'a.jpg'],
    ])
      expect((await fileOrder(files, files, asked)).reason).toBe('time (the time in EXIF, taken to be in UTC)');
    await writeFile(join(directory, 'c.jpg'), await image(3));
    const files = ['b.jpg', 'a.jpg', 'c.jpg'];
    expect((await fileOrder(files, files, asked)).order).toBe('arrival');
  });

  test('that cannot be read are an error, or are skipped when they had their time', async () => {
    const directory = await folderOf({
      [name(0)]: 0,
      [name(1)]: new TextEncoder().encode('no picture'),
      [name(2)]: await image(2, 30, 16),
    });
    await expect(run(directory)).rejects.toThrow(/100100\.png: cannot be read as a picture/);
    const { found, skipped } = await run(directory, {}, { onError: 'skip' });
    expect(files(found)).toEqual([name(0)]);
    expect(skipped).toEqual([
      expect.stringContaining('cannot be read as a picture'),
      expect.stringContaining('is 30 x 16 pixels, but frames before it are 24 x 16'),
    ]);
    expect(files((await run(directory, { sizes: 'any' }, { onError: 'skip' })).found)).toEqual([name(0), name(2)]);
  });

  test('of which one of several pictures is read are named and counted', async () => {
    const stack = await sharp(await Promise.all([1, 2, 3].map((value) => image(value))), { join: { animated: true } })
      .webp({ lossless: true })
      .toBuffer();
    const { found, warnings } = await run(await folderOf({ [name(0)]: stack, [name(1)]: 1 }));
    expect(found).toHaveLength(2);
    expect(warnings).toEqual([
      `${name(0)} is odd and read all the same (holds 3 pictures, of which the first is read)`,
    ]);
  });

  test('of more than 8 bits need a stretch that is known', async () => {
    const wide = await sharp(
      Uint16Array.from({ length: 24 * 16 * 3 }, (_, i) => i * 7),
      { raw: { width: 24, height: 16, channels: 3 } },
    )
      .toColourspace('rgb16')
      .png()
      .toBuffer();
    const directory = await folderOf({ [name(0)]: wide });
    expect(await describeAlone(watch, { options: { directory } })).toMatchObject({
      refused: expect.stringContaining('more than 8 bits'),
    });
    expect(await describeAlone(watch, { options: { directory, stretch: 'percentile' } })).toMatchObject({
      option: 'stretch',
    });
    expect((await run(directory, { stretch: { range: [0, 8000] } })).found).toHaveLength(1);
    const later = await folderOf({ [name(0)]: 1 });
    await expect(run(later, {}, { onFrame: () => put(later, name(1), wide) })).rejects.toMatchObject({
      code: 'E_STRETCH',
    });
  });

  test('of a range are sent alone, and the watch then ends', async () => {
    const directory = await folderOf({ [name(0)]: 0, [name(1)]: 1, [name(2)]: 2, [name(3)]: 3 });
    const { found } = await run(directory, { idleEndSeconds: 600 }, { range: { frames: { first: 1, end: 3 } } });
    expect(found.map(({ number }) => number)).toEqual([1, 2]);
  });
});

describe('a watch', () => {
  test('of a folder that is not there is refused; of an empty one it ends when the time is over', async () => {
    const directory = await folderOf();
    await expect(run(join(directory, 'nowhere'))).rejects.toThrow(/nowhere: there is no such folder/);
    expect((await run(directory)).found).toEqual([]);
  });

  test('goes on while its folder cannot be listed, and fails when that lasts', async () => {
    const directory = await folderOf({ [name(0)]: 0 });
    const moved = `${directory}-moved`;
    folders.push(moved);
    const { found, warnings } = await run(
      directory,
      { idleEndSeconds: 1 },
      {
        onFrame: async (_, count) => {
          if (count > 1) return;
          await rename(directory, moved);
          await put(moved, name(1), 1);
          setTimeout(() => void rename(moved, directory), 100);
        },
      },
    );
    expect(files(found)).toEqual([name(0), name(1)]);
    expect(warnings.every((warning) => /there is no such folder/.test(warning))).toBe(true);
    await expect(run(directory, {}, { onFrame: () => rename(directory, moved) })).rejects.toThrow(
      /there is no such folder/,
    );
  });

  test('without an idle end goes on until it is stopped', async () => {
    const directory = await folderOf({ [name(0)]: 0 });
    const stop = new AbortController();
    const found: string[] = [];
    const watching = (async () => {
      const { idleEndSeconds: _, ...options } = quick;
      for await (const { id } of runStage(watch, { options: { directory, ...options }, signal: stop.signal })) {
        found.push(id);
        setTimeout(() => stop.abort(new Error('enough')), 100);
      }
    })();
    await expect(watching).rejects.toThrow('enough');
    expect(found).toEqual(['frame-000000']);
  });
});

describe('a watch that is resumed', () => {
  const resumed = async (output: string, directory: string, options: Options = {}, more: Watching = {}) =>
    run(directory, options, { output, resume: true, ...more });
  const record = ({ read: _, ...frame }: Frame) => frame;

  test('sends the same frames again without opening their files, and goes on with what is new', async () => {
    const directory = await folderOf({ [name(0)]: 0, [name(1)]: 1, [name(5)]: 5 });
    const output = await folderOf();
    const first = await run(directory, {}, { output });
    // One is late, one is gone, one is new.
    await put(directory, name(3), 3);
    await rm(join(directory, name(1)));
    await put(directory, name(7), 7);
    const second = await resumed(output, directory);
    expect(second.found.slice(0, 3).map(record)).toEqual(first.found.map(record));
    expect(files(second.found)).toEqual([0, 1, 5, 7].map(name));
    expect(second.found[3]).toMatchObject({ number: 3, seconds: 420 });
    expect(second.warnings).toEqual([
      `${name(1)} was sent by the run that is resumed and is no longer there`,
      `${name(3)} came when a later frame had been sent, and is left out`,
    ]);
    await expect(second.found[1]!.read()).rejects.toThrow(/there is no such file/);
    const third = await resumed(output, directory);
    expect(third.found.map(record)).toEqual(second.found.map(record));
  });

  test('takes a file that has changed for what it holds now, under its number', async () => {
    const directory = await folderOf({ [name(0)]: 0, [name(1)]: 1 });
    const output = await folderOf();
    const first = await run(directory, {}, { output });
    await put(directory, name(0), 9);
    await utimes(join(directory, name(0)), 1000, 1000);
    await utimes(join(directory, name(1)), 1000, 1000);
    const { found } = await resumed(output, directory);
    expect(found.map(({ id }) => id)).toEqual(first.found.map(({ id }) => id));
    expect(found.map(({ key }) => key)[0]).not.toBe(first.found[0]!.key);
    // Touched, not changed.
    expect(found[1]!.key).toBe(first.found[1]!.key);
  });

  test('begins anew where it is another watch, or is not resumed', async () => {
    const directory = await folderOf({ [name(0)]: 0, 'x1.png': 1 });
    const output = await folderOf();
    await run(directory, { pattern: 'cam' }, { output });
    const other = await resumed(output, directory, { pattern: 'png$', order: 'name' });
    expect(files(other.found)).toEqual([name(0), 'x1.png']);
    expect(other.warnings).toEqual(['the run that is resumed watched with other options: all files are taken anew']);
    await put(directory, name(9), 9);
    await rm(join(directory, name(0)));
    expect(files((await run(directory, { pattern: 'png$', order: 'name' }, { output })).found)).toEqual([
      name(9),
      'x1.png',
    ]);
    expect(files((await resumed(output, directory, { pattern: 'png$', order: 'name' })).found)).toEqual([
      name(9),
      'x1.png',
    ]);
  });
});
