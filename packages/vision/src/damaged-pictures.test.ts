// What becomes of pictures that are cut, altered or odd, format by format.
import { InputError } from '@deepearth/core';
import { mutate, seededNormal, tryMutants, type MutationKind } from '@deepearth/testing';
import sharp, { type Sharp } from 'sharp';
import { describe, expect, it } from 'vitest';
import { decodePicture } from './decode-picture.ts';
import { withoutPadding } from './jpeg-oddities.ts';
import { readPictureFile } from './picture-file.ts';
import { readPicture } from './read-picture.ts';

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

  it('with a checksum never has other pixels: png', async () => {
    const kinds: MutationKind[] = ['flip', 'byte', 'zeros', 'cut', 'remove', 'swap', 'repeat'];
    const bytes = await fileOf('png');
    const report = await tryMutants(bytes, valuesOf, isReported, { count: 150, seed: 5, kinds });
    expect(report).toMatchObject({ faults: [], others: [] });
    expect(report.refused).toBeGreaterThan(100);
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
