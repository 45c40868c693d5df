import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { sha256 } from '@deepearth/core';
import fc from 'fast-check';
import sharp from 'sharp';
import { afterEach, describe, expect, test } from 'vitest';
import { isoOf } from './instant.ts';
import { listFrames, type ListingOptions, type SequenceListing } from './listing.ts';

const folders: string[] = [];
afterEach(async () => {
  for (const path of folders.splice(0)) await rm(path, { recursive: true, force: true });
});

async function folder(...names: readonly string[]): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'order-'));
  folders.push(path);
  for (const name of names) {
    await mkdir(dirname(join(path, name)), { recursive: true });
    await writeFile(join(path, name), 'x');
  }
  return path;
}

/** Pictures with what a camera writes: `{ 'DSC_0001.jpg': ['2024:05:01 12:00:00', '25', '+02:00'] }`. */
async function photos(
  taken: Readonly<Record<string, readonly [time?: string, subSecond?: string, offset?: string]>>,
): Promise<string> {
  const path = await folder();
  for (const [name, [time, subSecond, offset]] of Object.entries(taken))
    await sharp({ create: { width: 8, height: 8, channels: 3, background: 'red' } })
      .withExif({
        IFD2: {
          ...(time && { DateTimeOriginal: time }),
          ...(subSecond && { SubSecTimeOriginal: subSecond }),
          ...(offset && { OffsetTimeOriginal: offset }),
        },
      })
      .jpeg()
      .toFile(join(path, name));
  return path;
}

const sequences = async (options: ListingOptions) => (await listFrames(options)).sequences;
const one = async (options: ListingOptions): Promise<SequenceListing> => {
  const found = await sequences(options);
  expect(found).toHaveLength(1);
  return found[0]!;
};
const files = ({ files: listed }: SequenceListing): string[] => listed.map(({ file }) => file);
const times = ({ files: listed }: SequenceListing): (string | undefined)[] =>
  listed.map(({ instant }) => (instant === undefined ? undefined : isoOf(instant)));

describe('the order of frames', () => {
  test('warns where each moment has the same several pictures: cameras, bands, masks', async () => {
    const said = async (names: readonly string[], more: Partial<ListingOptions> = {}): Promise<number> => {
      const { warnings } = await one({ directory: await folder(...names), ...more });
      return warnings.filter((message) => message.startsWith('each moment has 2 pictures, as ')).length;
    };
    const of = (...kinds: readonly string[]): string[] =>
      ['20240131_234000', '20240131_235000', '20240201_000000'].flatMap((moment) =>
        kinds.map((kind) => kind.replace('@', moment)),
      );
    expect(await said(of('cam1_@.png', 'cam2_@.png'))).toBe(1);
    expect(await said(of('S2_@_B02.tif', 'S2_@_B03.tif'))).toBe(1);
    expect(await said(of('@.jpg', '@.png'))).toBe(1);
    expect(await said(of('cam1_@.png', 'cam2_@.png').slice(1))).toBe(0);
    expect(await said(of('@_0001.png', '@_0002.png'))).toBe(0);
    expect(await said(of('cam1_@.png'))).toBe(0);
    expect(await said(of('a/@.png', 'b/@.png'), { recursive: 'one' })).toBe(0);
  });

  test('is that of the times in names, across midnight and the end of a month', async () => {
    const names = [
      'cam1_20240131_234000.png',
      'cam1_20240131_235500.png',
      'cam1_20240201_000000.png',
      'cam1_20240201_001500.png',
    ];
    const listed = await one({ directory: await folder(...[...names].reverse()) });
    expect(files(listed)).toEqual(names);
    expect(listed).toMatchObject({
      order: 'time',
      reason: 'date and time in the names, taken to be in UTC',
      warnings: [],
    });
    expect(listed.files.map(({ number }) => number)).toEqual([0, 1, 2, 3]);
    expect(listed).toMatchObject({ gaps: [], duplicates: [] });
  });

  test('of pictures of one moment follows the rest of their names; they are no duplicates', async () => {
    const names = ['a_20240201_120000_2.png', 'a_20240201_120000_10.png', 'a_20240202_120000_1.png'];
    const listed = await one({ directory: await folder(...names) });
    expect(files(listed)).toEqual(names);
    expect(listed.duplicates).toEqual([]);
    // The time of day alone is the same every day.
    const noon = Array.from({ length: 16 }, (_, i) => `cam_202402${String(i + 1).padStart(2, '0')}_120000.png`);
    expect(files(await one({ directory: await folder(...noon) }))).toEqual(noon);
  });

  test('is that of EXIF times where a counter began again, and a warning says that they disagree', async () => {
    const at = (minute: number): [string] => [`2024:05:01 12:0${minute}:00`];
    const directory = await photos({
      'DSC_9998.jpg': at(0),
      'DSC_9999.jpg': at(1),
      'DSC_0001.jpg': at(2),
      'DSC_0002.jpg': at(3),
    });
    const listed = await one({ directory, timeZone: 'Europe/Berlin' });
    expect(files(listed)).toEqual(['DSC_9998.jpg', 'DSC_9999.jpg', 'DSC_0001.jpg', 'DSC_0002.jpg']);
    expect(times(listed)[0]).toBe('2024-05-01T10:00:00Z');
    expect(listed).toMatchObject({
      order: 'time',
      reason: 'the time in EXIF, taken to be in Europe/Berlin',
      warnings: [
        'times and numbers disagree: DSC_9999.jpg (2024-05-01T10:01:00Z) was taken before DSC_0001.jpg (2024-05-01T10:02:00Z); ordered by time',
      ],
    });
    const numbered = await one({ directory, pattern: 'DSC_(?<number>\\d+)' });
    expect(numbered.files.map(({ number }) => number)).toEqual([9998, 9999, 1, 2]);
    const byNumber = await one({ directory, order: 'number' });
    expect(files(byNumber)[0]).toBe('DSC_0001.jpg');
  });

  test('looks at parts of a second and at the offset that the camera wrote', async () => {
    const directory = await photos({
      'a.jpg': ['2024:05:01 12:00:00', '5', '+02:00'],
      'b.jpg': ['2024:05:01 10:00:00', '25', '+00:00'],
    });
    const listed = await one({ directory, timeZone: 'America/New_York' });
    expect(files(listed)).toEqual(['b.jpg', 'a.jpg']);
    expect(times(listed)).toEqual(['2024-05-01T10:00:00.250Z', '2024-05-01T10:00:00.500Z']);
  });

  test('is that of numbers where not every picture has an EXIF time, or all have the same', async () => {
    const some = await one({ directory: await photos({ '1.jpg': ['2024:05:01 12:00:00'], '2.jpg': [] }) });
    expect(some).toMatchObject({
      order: 'number',
      warnings: ['1 of 2 pictures carry no time (2.jpg), so they are ordered by number'],
    });
    const late = await one({ directory: await photos({ '1.jpg': [], '2.jpg': ['2024:05:01 12:00:00'] }) });
    expect(late.warnings).toEqual(['1 of 2 pictures carry no time (1.jpg), so they are ordered by number']);
    const same = await one({
      directory: await photos({ '1.jpg': ['2024:05:01 12:00:00'], '2.jpg': ['2024:05:01 12:00:00'] }),
    });
    expect(same).toMatchObject({ order: 'number', warnings: [] });
    const neverSet = await one({
      directory: await photos({ '1.jpg': ['0000:00:00 00:00:00'], '2.jpg': ['2024:05:01 12:00:00'] }),
    });
    expect(neverSet).toMatchObject({ order: 'number' });
  });

  test('is that of an expression of one’s own, before any other time', async () => {
    const directory = await folder('24.12.2023 b.png', '01.02.2024 a.png', 'cover.png');
    const time = '(?<day>\\d\\d)\\.(?<month>\\d\\d)\\.(?<year>\\d{4})';
    const listed = await one({ directory, time });
    expect(files(listed)).toEqual(['24.12.2023 b.png', '01.02.2024 a.png']);
    expect(listed.leftOut).toEqual(['cover.png']);
    expect(times(listed)[0]).toBe('2023-12-24T00:00:00Z');
    await expect(listFrames({ directory, time: 'x(?<year>\\d{4})' })).rejects.toThrow(
      /no name carries a time where `time` looks for it/,
    );
  });

  test('may be asked for, and times that are not there are an error', async () => {
    const directory = await folder('b1.png', 'a10.png', 'a9.png');
    expect(files(await one({ directory, order: 'name' }))).toEqual(['a9.png', 'a10.png', 'b1.png']);
    const listed = await one({ directory });
    expect(files(listed)).toEqual(['b1.png', 'a9.png', 'a10.png']);
    expect(listed.warnings).toEqual([
      'numbers and names disagree: by its last digits b1.png comes before a9.png; if those are no numbers of frames, say with `pattern` or `time` what stands where, or take `order: name`',
    ]);
    expect((await one({ directory, order: 'number' })).warnings).toEqual([]);
    expect((await one({ directory, pattern: '(\\d+)' })).warnings).toEqual([]);
    await expect(listFrames({ directory, order: 'time' })).rejects.toThrow(
      /its 3 pictures say nowhere when they were taken/,
    );
  });

  test('by number says where times in the names disagree', async () => {
    const directory = await folder('20240102_000000_1.png', '20240101_000000_2.png');
    expect((await one({ directory, order: 'number', pattern: '_(\\d)\\.' })).warnings).toEqual([
      'times and numbers disagree: 20240101_000000_2.png (2024-01-01T00:00:00Z) was taken before 20240102_000000_1.png (2024-01-02T00:00:00Z); ordered by number',
    ]);
  });

  test('does not depend on how the folder is listed, and keeps the times in order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(
          fc.date({
            min: new Date('2010-01-01T00:00:00Z'),
            max: new Date('2030-01-01T00:00:00Z'),
            noInvalidDate: true,
          }),
          {
            minLength: 1,
            maxLength: 12,
            selector: (date) => Math.floor(date.getTime() / 1000),
          },
        ),
        async (dates) => {
          const named = dates.map(
            (date) =>
              `${sha256(new TextEncoder().encode(date.toISOString())).replaceAll(/[0-9]/g, '').slice(0, 4)}_${date.toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}.png`,
          );
          const listed = await one({ directory: await folder(...named) });
          expect(times(listed)).toEqual(dates.map((date) => `${date.toISOString().slice(0, 19)}Z`).sort());
        },
      ),
      { numRuns: 25 },
    );
  });
});

describe('folders in a folder', () => {
  test('are a sequence each, in natural order, named by their paths', async () => {
    const directory = await folder('cam10/1.png', 'cam9/2.png', 'cam9/1.png', 'site/a/5.png', 'top3.png');
    const found = await sequences({ directory, recursive: true, sequence: 'all' });
    expect(
      found.map(({ name, files: listed }) => [name, listed.map(({ file, number }) => `${number} ${file}`)]),
    ).toEqual([
      ['all', ['3 top3.png']],
      ['all/cam9', ['1 cam9/1.png', '2 cam9/2.png']],
      ['all/cam10', ['1 cam10/1.png']],
      ['all/site/a', ['5 site/a/5.png']],
    ]);
    const named = await sequences({ directory, recursive: true });
    expect(named.map(({ name }) => name).filter((name) => !name.startsWith('order-'))).toEqual([
      'cam9',
      'cam10',
      'site/a',
    ]);
  });

  test('that a camera began when its counter was full are one sequence', async () => {
    const directory = await folder(
      'DCIM/100MEDIA/IMAG0998.JPG',
      'DCIM/100MEDIA/IMAG0999.JPG',
      'DCIM/101MEDIA/IMAG0001.JPG',
      'DCIM/101MEDIA/IMAG0002.JPG',
    );
    const listed = await one({ directory, recursive: true, sequence: 'trap' });
    expect(files(listed).map((file) => file.slice(-12))).toEqual([
      'IMAG0998.JPG',
      'IMAG0999.JPG',
      'IMAG0001.JPG',
      'IMAG0002.JPG',
    ]);
    expect(listed).toMatchObject({ name: 'trap', order: 'name', duplicates: [] });
  });

  test('are not read unless asked, and an error says how to ask', async () => {
    await expect(listFrames({ directory: await folder('a/1.png') })).rejects.toThrow(
      /only the folders a\..*`recursive: true`/s,
    );
  });
});

describe('a pause', () => {
  const names = ['20240101_000000.png', '20240101_000100.png', '20240101_020000.png', '20240101_020100.png'];

  test('that is too long begins a new sequence, named after its start', async () => {
    const directory = await folder(...names);
    const found = await sequences({ directory, maxGapSeconds: 300, sequence: 'cam' });
    expect(found.map(({ name, files: listed }) => [name, listed.map(({ number }) => number)])).toEqual([
      ['cam/20240101T000000Z', [0, 1]],
      ['cam/20240101T020000Z', [2, 3]],
    ]);
    expect(await sequences({ directory, maxGapSeconds: 7200 })).toHaveLength(1);
  });

  test('may come from numbers; without any time it is an error', async () => {
    const directory = await folder('f1.png', 'f2.png', 'f9.png');
    const found = await sequences({ directory, maxGapSeconds: 10, intervalSeconds: 5, sequence: 'cam' });
    expect(found.map(({ name }) => name)).toEqual(['cam/000001', 'cam/000009']);
    await expect(listFrames({ directory, maxGapSeconds: 10 })).rejects.toThrow(
      /`maxGapSeconds` needs to know when frames were taken/,
    );
  });
});
