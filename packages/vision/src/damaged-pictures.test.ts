// What becomes of pictures that are cut, altered or odd, format by format.
import { InputError } from '@deepearth/core';
import { partOfRaster } from '@deepearth/core/raster-part';
import { mutate, seededNormal, tryMutants, type MutationKind } from '@deepearth/testing';
import sharp, { type Sharp } from 'sharp';
import { describe, expect, it } from 'vitest';
import { decodePicture } from './decode-picture.ts';
import { withoutPadding } from './jpeg-oddities.ts';
import { readPictureFile } from './picture-file.ts';
import { readPicture } from './read-picture.ts';
import { tiffBlocks } from './tiff-header.ts';

const [width, height] = [96, 80];
const normal = seededNormal(3);
const pixels = Uint8Array.from({ length: width * height * 3 }, (_, i) => {
  const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
  return Math.max(0, Math.min(255, 128 + 70 * Math.sin(x / 9 + (i % 3)) * Math.cos(y / 7) + 12 * normal()));
});
const image = (): Sharp => sharp(pixels, { raw: { width, height, channels: 3 } });
const storages = {
  png: () => image().png(),
  jpeg: () => image().jpeg({ quality: 90 }),
  'progressive jpeg': () => image().jpeg({ quality: 90, progressive: true }),
  webp: () => image().webp(),
  'deflated tiff': () => image().tiff({ compression: 'deflate' }),
  'lzw tiff': () => image().tiff({ compression: 'lzw' }),
} satisfies Record<string, () => Sharp>;
type Storage = keyof typeof storages;
const fileOf = async (storage: Storage): Promise<Uint8Array> => new Uint8Array(await storages[storage]().toBuffer());
const valuesOf = async (bytes: Uint8Array): Promise<Uint8Array> =>
  new Uint8Array((await readPicture(bytes, { name: 'frame.x', maxPixels: 2 ** 20 })).values.data.slice().buffer);
const isReported = (error: unknown): boolean => error instanceof InputError;

describe('a damaged picture', () => {
  it.each(Object.keys(storages) as Storage[])(
    'that is cut short is refused, with its name and a remedy: %s',
    async (storage) => {
      const bytes = await fileOf(storage);
      const same = await valuesOf(bytes);
      for (let seed = 0; seed < 25; seed++) {
        const { bytes: cut } = mutate(bytes, seed, { kinds: ['cut'], from: bytes.length >> 2 });
        const error: unknown = await valuesOf(cut).then(
          (values) => (Buffer.compare(values, same) === 0 ? 'same' : 'other'),
          (caught: unknown) => caught,
        );
        if (error === 'same') continue;
        expect(error).toBeInstanceOf(InputError);
        expect(error).toMatchObject({
          code: 'E_FRAME_UNREADABLE',
          subject: 'frame.x',
          remedy: expect.any(String) as string,
        });
      }
    },
  );

  // The end marker is there, so that nothing says that a part is missing but the scan itself.
  it.each(['jpeg', 'progressive jpeg'] as const)('whose scan lacks its end is refused: %s', async (storage) => {
    const bytes = await fileOf(storage);
    for (const share of [0.5, 0.7, 0.9, 0.97]) {
      const at = Math.floor(bytes.length * share);
      const cut = new Uint8Array([...bytes.subarray(0, at), 0xff, 0xd9]);
      await expect(valuesOf(cut)).rejects.toMatchObject({ code: 'E_FRAME_UNREADABLE', subject: 'frame.x' });
    }
  });

  const tiles = { compression: 'deflate', tile: true, tileWidth: 32, tileHeight: 16 } as const;
  it.each([
    ['png', () => image().png()],
    ['deflated tiff', () => image().tiff({ compression: 'deflate' })],
    ['deflated tiff in tiles', () => image().tiff(tiles)],
    ['deflated tiff with a predictor', () => image().tiff({ compression: 'deflate', predictor: 'horizontal' })],
  ] as const)('with a checksum never has other pixels: %s', async (name, store) => {
    const kinds: MutationKind[] = ['flip', 'byte', 'zeros'];
    const bytes = new Uint8Array(await store().toBuffer());
    // The tags of a TIFF (before its values, or behind them) are under no checksum.
    const values = name === 'png' ? bytes : bytes.subarray(0, -1500);
    const rest = bytes.subarray(values.length);
    const read = (mutant: Uint8Array): Promise<Uint8Array> => valuesOf(new Uint8Array([...mutant, ...rest]));
    const report = await tryMutants(values, read, isReported, { count: 150, seed: 5, kinds, from: 16 });
    expect(report).toMatchObject({ faults: [], others: [] });
    expect(report.refused).toBeGreaterThan(100);
  });

  it('is refused for a window where the damage lies in its tiles, and read elsewhere', async () => {
    const bytes = new Uint8Array(await image().tiff(tiles).toBuffer());
    const whole = await readPicture(bytes);
    const blocks = (await tiffBlocks((offset, length) => bytes.subarray(offset, offset + length), 0))!;
    expect(blocks).toMatchObject({ across: 3, perPlane: 15, width: 32, height: 16, samples: 3 });
    // Tile 4 covers x 32 to 63, y 16 to 31.
    const damaged = bytes.slice();
    damaged.fill(0, blocks.offsets[4]! + 900, blocks.offsets[4]! + 932);
    const file = await readPictureFile(damaged, { name: 'tiles.tif' });
    const clear = { x: 64, y: 0, width: 32, height: 80 };
    expect(await decodePicture(file, { window: clear })).toEqual(partOfRaster(whole, { window: clear }));
    await expect(decodePicture(file, { window: { x: 60, y: 30, width: 10, height: 10 } })).rejects.toMatchObject({
      code: 'E_FRAME_UNREADABLE',
      subject: 'tiles.tif',
    });
  });

  it.each(Object.keys(storages) as Storage[])('is read or refused, and never a fault: %s', async (storage) => {
    const report = await tryMutants(await fileOf(storage), valuesOf, isReported, { count: 80, seed: 9 });
    expect(report.faults).toEqual([]);
    expect(report.refused).toBeGreaterThan(0);
  });
});

describe('an odd JPEG', () => {
  const between = (bytes: Uint8Array, at: number, extra: readonly number[]): Uint8Array =>
    new Uint8Array([...bytes.subarray(0, at), ...extra, ...bytes.subarray(at)]);

  it.each(['jpeg', 'progressive jpeg'] as const)('keeps its pixels, and says what is odd: %s', async (storage) => {
    const bytes = await fileOf(storage);
    const good = await valuesOf(bytes);
    const look = async (odd: Uint8Array): Promise<readonly string[]> => {
      const file = await readPictureFile(odd, { name: 'odd.jpg' });
      const raster = await decodePicture(file);
      expect(Buffer.compare(new Uint8Array(raster.values.data.slice().buffer), good)).toBe(0);
      return file.oddities;
    };
    expect(await look(bytes)).toEqual([]);
    expect(await look(between(bytes, bytes.length, [1, 2, 3]))).toEqual([]);
    expect(await look(between(bytes, 2, [7, 0, 9]))).toEqual(['3 extra bytes before a marker']);
    await look(between(bytes, bytes.length - 2, [0, 0, 0]));
  });

  it('loses what is too much before its end only where that is padding: else its scan was damaged', async () => {
    const bytes = await fileOf('progressive jpeg');
    const warned = (count: number): Error =>
      new Error(`VipsJpeg: Corrupt JPEG data: ${count} extraneous bytes before marker 0xd9`);
    const end = bytes.length - 2;
    expect(withoutPadding(between(bytes, end, [0, 0, 0]), warned(3))).toEqual({ bytes, extra: 3 });
    expect(withoutPadding(between(bytes, end, [0]), warned(1))).toEqual({ bytes, extra: 1 });
    expect(withoutPadding(between(bytes, end, [0x12, 0x34, 0x56]), warned(3))).toBeUndefined();
    expect(withoutPadding(between(bytes, end, [0x12]), warned(1))).toBeUndefined();
    expect(withoutPadding(bytes, new Error('VipsJpeg: Corrupt JPEG data: bad Huffman code'))).toBeUndefined();
  });
});
