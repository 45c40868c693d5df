// Headers of pictures: what libvips says of the head of a file is what it says of the file.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp, { type Metadata, type Sharp } from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pictureMetadata } from './picture-metadata.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'metadata-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const noise = Uint8Array.from({ length: 300 * 200 * 3 }, (_, i) => Math.imul(i + 1, 2654435761) >>> 24);
const picture = (): Sharp => sharp(noise, { raw: { width: 300, height: 200, channels: 3 } });
const exif = { IFD0: { Copyright: 'Earth', ImageDescription: 'd'.repeat(2000) } };
/** More than the head that is read. */
const longText = 'x'.repeat(200_000);

/** A PNG with a chunk of its own before its pixels. */
function withChunk(png: Buffer, type: string, content: string): Buffer {
  const chunk = Buffer.alloc(12 + content.length);
  chunk.writeUInt32BE(content.length);
  chunk.write(type + content, 4, 'latin1');
  return Buffer.concat([png.subarray(0, 33), chunk, png.subarray(33)]);
}

const files: Readonly<Record<string, () => Promise<Buffer>>> = {
  'jpeg.jpg': () => picture().jpeg({ quality: 95 }).toBuffer(),
  'progressive, on its side, with EXIF.jpg': () =>
    picture().withExif(exif).withMetadata({ orientation: 6, exif }).jpeg({ progressive: true }).toBuffer(),
  'long XMP.jpg': () =>
    picture()
      .withXmp(`<x>${longText.slice(0, 60_000)}</x>`)
      .withExif(exif)
      .jpeg()
      .toBuffer(),
  'png.png': () => picture().png().toBuffer(),
  'with EXIF.png': () => picture().withExif(exif).withMetadata({ orientation: 3, exif }).png().toBuffer(),
  'a long chunk before EXIF.png': async () =>
    withChunk(await picture().withExif(exif).png().toBuffer(), 'teSt', longText),
  '16 bits.png': () => picture().toColourspace('rgb16').png().toBuffer(),
  'webp.webp': () => picture().webp({ lossless: true }).toBuffer(),
  'tiff.tif': () => picture().tiff({ compression: 'none' }).toBuffer(),
  'avif.avif': () => picture().avif({ effort: 0 }).toBuffer(),
  'cut within its header.jpg': async () => (await picture().withExif(exif).jpeg().toBuffer()).subarray(0, 400),
  'cut within its pixels.jpg': async () => (await picture().jpeg({ quality: 100 }).toBuffer()).subarray(0, 70_000),
  'cut within its header.png': async () => (await picture().png().toBuffer()).subarray(0, 40),
};

const byPath = (path: string): Promise<Metadata | undefined> =>
  sharp(path, { limitInputPixels: false, limitInputChannels: 4096 })
    .metadata()
    .catch(() => undefined);

test.each(Object.keys(files))('%s has the header that libvips reads from its path', async (name) => {
  const path = join(folder, name);
  await writeFile(path, await files[name]!());
  const read = await pictureMetadata(path);
  const { size: _, ...about } = read ?? {};
  expect(about).toEqual({ ...(await byPath(path)) });
});
