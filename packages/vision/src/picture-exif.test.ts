import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pictureExif } from './picture-exif.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'exif-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const written = async (name: string, bytes: Uint8Array): Promise<string> => {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
};

/** A TIFF of one grey pixel whose EXIF directory holds texts by tag, in either byte order. */
function tiffWith(texts: Readonly<Record<number, string>>, little: boolean): Uint8Array {
  const bytes = new Uint8Array(1024);
  const view = new DataView(bytes.buffer);
  const [short, long] = [3, 4];
  const directory = (
    at: number,
    entries: readonly (readonly [tag: number, type: number, count: number, value: number])[],
  ) => {
    view.setUint16(at, entries.length, little);
    entries.forEach(([tag, type, count, value], i) => {
      const entry = at + 2 + 12 * i;
      view.setUint16(entry, tag, little);
      view.setUint16(entry + 2, type, little);
      view.setUint32(entry + 4, count, little);
      if (type === short) view.setUint16(entry + 8, value, little);
      else view.setUint32(entry + 8, value, little);
    });
  };
  bytes.set(new TextEncoder().encode(little ? 'II' : 'MM'));
  view.setUint16(2, 42, little);
  view.setUint32(4, 8, little);
  directory(8, [
    [256, short, 1, 1],
    [257, short, 1, 1],
    [258, short, 1, 8],
    [259, short, 1, 1],
    [262, short, 1, 1],
    [273, long, 1, 1000],
    [277, short, 1, 1],
    [278, short, 1, 1],
    [279, long, 1, 1],
    [34665, long, 1, 200],
  ]);
  let at = 400;
  directory(
    200,
    Object.entries(texts).map(([tag, text]) => {
      const characters = new TextEncoder().encode(`${text}\0`);
      const place = at;
      bytes.set(characters, place);
      at += characters.length;
      // Four bytes or fewer stand in the directory itself.
      return [Number(tag), 2, characters.length, characters.length <= 4 ? 0 : place] as const;
    }),
  );
  Object.values(texts).forEach((text, i) => {
    if (text.length < 4) bytes.set(new TextEncoder().encode(`${text}\0`), 200 + 2 + 12 * i + 8);
  });
  return bytes;
}

const taken = { dateTimeOriginal: '2024:03:31 01:30:00', subSecTimeOriginal: '25', offsetTimeOriginal: '+01:00' };

describe('the EXIF data of a picture', () => {
  test.each(['jpeg', 'png', 'webp', 'avif'] as const)('say when a %s was taken', async (format) => {
    const picture = await sharp({ create: { width: 16, height: 16, channels: 3, background: 'red' } })
      .withExif({
        IFD2: { DateTimeOriginal: taken.dateTimeOriginal, SubSecTimeOriginal: '25', OffsetTimeOriginal: '+01:00' },
      })
      .toFormat(format)
      .toBuffer();
    expect(await pictureExif(await written(`a.${format}`, picture))).toEqual(taken);
  });

  test.each([true, false])('lie in the directories of a TIFF (little-endian: %s)', async (little) => {
    const texts = { 36867: taken.dateTimeOriginal, 36881: '+01:00', 37521: '25' };
    expect(await pictureExif(await written('a.tif', tiffWith(texts, little)))).toEqual(taken);
    expect(await pictureExif(await written('none.tif', tiffWith({}, little)))).toBeUndefined();
    const alone = await pictureExif(await written('alone.tif', tiffWith({ 36867: '2024:03:31 01:30:00' }, little)));
    expect(alone).toEqual({ ...taken, subSecTimeOriginal: '', offsetTimeOriginal: '' });
  });

  test('are none in a picture without them, and where the file is cut short', async () => {
    const plain = await sharp({ create: { width: 16, height: 16, channels: 3, background: 'red' } })
      .png()
      .toBuffer();
    expect(await pictureExif(await written('plain.png', plain))).toBeUndefined();
    expect(await pictureExif(join(folder, 'nowhere.png'))).toBeUndefined();
    const whole = tiffWith({ 36867: taken.dateTimeOriginal }, true);
    for (const length of [0, 4, 100, 205, 405])
      expect((await pictureExif(await written('cut.tif', whole.subarray(0, length))))?.dateTimeOriginal).not.toBe(
        taken.dateTimeOriginal,
      );
  });
});
