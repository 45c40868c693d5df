import fc from 'fast-check';
import sharp, { type Sharp } from 'sharp';
import { describe, expect, it } from 'vitest';
import { decodePicture } from './decode-picture.ts';
import { readPictureFile } from './picture-file.ts';
import { partOfRaster } from '@deepearth/core/raster-part';

const noise = (length: number, seed: number) =>
  Uint8Array.from({ length }, (_, i) => Math.imul(i + seed + 1, 2654435761) >>> 24);

/** Every way in which pixels are stored: lossless and lossy, in strips and tiles, turned, with opacity, wide. */
const storages: Readonly<Record<string, (image: Sharp) => Sharp>> = {
  png: (image) => image.png(),
  'png with a palette': (image) => image.png({ palette: true }),
  'interlaced png': (image) => image.png({ progressive: true }),
  'png on its side': (image) => image.withMetadata({ orientation: 6 }).png(),
  jpeg: (image) => image.jpeg({ quality: 80 }),
  'jpeg upside down': (image) => image.withMetadata({ orientation: 3 }).jpeg(),
  'tiff in strips': (image) => image.tiff({ compression: 'lzw' }),
  'tiff in tiles': (image) => image.tiff({ compression: 'deflate', tile: true, tileWidth: 16, tileHeight: 16 }),
  'tiff of jpegs': (image) => image.tiff({ compression: 'jpeg', tile: true, tileWidth: 32, tileHeight: 32 }),
  webp: (image) => image.webp({ lossless: true }),
  'png of 16 bits': (image) => image.toColourspace('rgb16').png(),
};

describe('a part of a picture', () => {
  for (const [storage, store] of Object.entries(storages))
    for (const channels of [1, 3, 4] as const)
      it(`is the same part of the whole: ${storage}, ${channels} channels`, async () => {
        const [width, height] = [71, 53];
        const data = noise(width * height * channels, channels);
        // A block without opacity, so that some windows hold it and others do not.
        if (channels === 4) for (let i = 0; i < 400; i++) data[i * 4 + 3] = 0;
        const image = sharp(data, { raw: { width, height, channels } });
        const file = await readPictureFile(new Uint8Array(await store(image).toBuffer()));
        const whole = new Map<boolean, Awaited<ReturnType<typeof decodePicture>>>();
        for (const keep16 of [false, true]) whole.set(keep16, await decodePicture(file, { keep16 }));
        await fc.assert(
          fc.asyncProperty(fc.nat(), fc.integer({ min: 1, max: 9 }), fc.boolean(), async (seed, overview, keep16) => {
            const x = seed % file.width;
            const y = (seed >> 6) % file.height;
            const window = {
              x,
              y,
              width: 1 + ((seed >> 12) % (file.width - x)),
              height: 1 + ((seed >> 18) % (file.height - y)),
            };
            expect(await decodePicture(file, { window, overview, keep16 })).toEqual(
              partOfRaster(whole.get(keep16)!, { window, overview }),
            );
          }),
          { numRuns: 12 },
        );
      });

  it('lies inside the picture', async () => {
    const image = sharp(noise(27, 1), { raw: { width: 3, height: 3, channels: 3 } });
    const file = await readPictureFile(new Uint8Array(await image.png().toBuffer()));
    await expect(decodePicture(file, { window: { x: 1, y: 0, width: 3, height: 1 } })).rejects.toThrow(RangeError);
    await expect(decodePicture(file, { overview: 0 })).rejects.toThrow(RangeError);
  });
});
