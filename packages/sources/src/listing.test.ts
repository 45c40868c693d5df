import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { listFrames, type ListingOptions, type SequenceListing } from './listing.ts';
import { byName } from './picture-folder.ts';

const folders: string[] = [];
async function folder(...names: readonly string[]): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'frames-'));
  folders.push(path);
  for (const name of names) await writeFile(join(path, name), 'x');
  return path;
}
afterEach(async () => {
  for (const path of folders.splice(0)) await rm(path, { recursive: true, force: true });
});

/** The only sequence there is. */
const one = async (options: ListingOptions): Promise<SequenceListing> => {
  const { sequences } = await listFrames(options);
  expect(sequences).toHaveLength(1);
  return sequences[0]!;
};
const listed = async (options: ListingOptions) =>
  (await one(options)).files.map(({ file, number }) => `${number} ${file}`);

describe('numbers', () => {
  test('are the last digits of the name, in natural order', async () => {
    const directory = await folder(
      'cam2_frame10.png',
      'cam2_frame9.png',
      'cam2_frame0011_rgb.png',
      'notes.txt',
      '.hidden1.png',
    );
    expect(await listed({ directory })).toEqual([
      '9 cam2_frame9.png',
      '10 cam2_frame10.png',
      '11 cam2_frame0011_rgb.png',
    ]);
  });

  test('come from the pattern: its named group, or its first', async () => {
    const directory = await folder(
      'S2_20240105_B04_7.tif',
      'S2_20240110_B04_3.tif',
      'S2_20240110_B08_3.tif',
      'preview.jpg',
    );
    expect(await listed({ directory, pattern: '_(\\d{8})_B04' })).toEqual([
      '20240105 S2_20240105_B04_7.tif',
      '20240110 S2_20240110_B04_3.tif',
    ]);
    expect(await listed({ directory, pattern: '(S2)_.*B04_(?<number>\\d+)', order: 'number' })).toEqual([
      '3 S2_20240110_B04_3.tif',
      '7 S2_20240105_B04_7.tif',
    ]);
  });

  test('are the order of names where no name has digits', async () => {
    const directory = await folder('c.png', 'a.png', 'b.JPG');
    expect(await listed({ directory })).toEqual(['0 a.png', '1 b.JPG', '2 c.png']);
  });

  test('leave pictures without digits out when others have some, and say which', async () => {
    const directory = await folder('f1.png', 'f2.png', 'overview.png');
    const { files, leftOut } = await one({ directory });
    expect(files).toHaveLength(2);
    expect(leftOut).toEqual(['overview.png']);
  });

  test('that are no whole numbers or too large are refused with the file and a remedy', async () => {
    await expect(listFrames({ directory: await folder('f99999999999999999999.png') })).rejects.toThrow(
      /f9+\.png: its frame number would be "9+", which is too large.*pattern/s,
    );
    await expect(listFrames({ directory: await folder('f_ab.png'), pattern: 'f_(\\w+)' })).rejects.toThrow(
      /would be "ab", which is no number/,
    );
  });

  test('can be limited to a range', async () => {
    const directory = await folder('1.png', '2.png', '3.png', '4.png');
    expect(await listed({ directory, first: 2, last: 3 })).toEqual(['2 2.png', '3 3.png']);
    await expect(listFrames({ directory, first: 9 })).rejects.toThrow(
      /has no frame from 9 to the end; its 4 frames are numbered 1 to 4/,
    );
  });
});

test('duplicates are pairs with the file that is kept first', async () => {
  const { files, duplicates } = await one({ directory: await folder('f01.png', 'f1.png', 'f2.png') });
  expect(files.map(({ number }) => number)).toEqual([1, 2]);
  expect(duplicates.map((pair) => pair.map(({ file }) => file))).toEqual([['f01.png', 'f1.png']]);
});

describe('a folder', () => {
  test('that is missing is an error with the sibling that was meant', async () => {
    const parent = await folder();
    await mkdir(join(parent, 'frames'));
    await expect(listFrames({ directory: join(parent, 'frmaes') })).rejects.toThrow(
      /there is no such folder\. Did you mean .*frames\?/,
    );
    await expect(listFrames({ directory: join(parent, 'x', 'y') })).rejects.toMatchObject({
      code: 'E_FOLDER_MISSING',
      remedy: expect.stringMatching(/Its parent .*x does not exist either/) as string,
    });
  });

  test('that is empty, or a file, or holds only folders, says so', async () => {
    const directory = await folder();
    await expect(listFrames({ directory })).rejects.toThrow(/is empty\. Put pictures there \(\.png/);
    await mkdir(join(directory, 'day1'));
    await expect(listFrames({ directory })).rejects.toThrow(/holds no files, only the folders day1\. Name one of them/);
    await writeFile(join(directory, 'a.png'), 'x');
    await expect(listFrames({ directory: join(directory, 'a.png') })).rejects.toMatchObject({
      code: 'E_NOT_A_FOLDER',
      remedy: `Name the folder it is in: ${directory}.`,
    });
  });

  test('without fitting files says what it looked for and what is there', async () => {
    const directory = await folder('a.txt', 'b.csv');
    await expect(listFrames({ directory })).rejects.toThrow(
      /holds no pictures \(\.png, .*\); there are 2 files: a\.txt, b\.csv\. Name another folder\./,
    );
    for (const [name, source] of [
      ['clouds.gif', 'source/video'],
      ['FLIGHT.MP4', 'source/video'],
      ['era5.nc', 'source/netcdf'],
    ] as const)
      await expect(listFrames({ directory: await folder(name) })).rejects.toThrow(
        `there is 1 file: ${name}. Files like ${name} are read by ${source}.`,
      );
    await expect(listFrames({ directory, pattern: 'x(\\d+)' })).rejects.toThrow(
      /no file whose name fits the pattern "x\(\\\\d\+\)"/,
    );
  });

  test('may hold links to pictures; a broken one is kept, so that it is not left out silently', async () => {
    const directory = await folder('f1.png');
    await symlink(join(directory, 'f1.png'), join(directory, 'f2.png'));
    await symlink(join(directory, 'nowhere.png'), join(directory, 'f3.png'));
    expect(await listed({ directory })).toEqual(['1 f1.png', '2 f2.png', '3 f3.png']);
  });
});

test('names are ordered the same whatever the order they come in', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.stringMatching(/^[aA_0-9]{1,6}$/)), (names) => {
      expect([...names].reverse().sort(byName)).toEqual([...names].sort(byName));
    }),
  );
});
