import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from '@deepearth/formats/crc32';
import sharp, { type Sharp } from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeTiff } from './testing/make-tiff.ts';
import { readPictureFile } from './picture-file.ts';
import { readPicture } from './read-picture.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pictures-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const raw = (data: Uint8Array | Uint16Array, width: number, height: number, channels: 1 | 2 | 3 | 4): Sharp =>
  sharp(data, { raw: { width, height, channels } });
async function read(name: string, image: Sharp | Uint8Array, keep16 = false) {
  const path = join(folder, name);
  await writeFile(path, image instanceof Uint8Array ? image : await image.toBuffer());
  return { file: await readPictureFile(path), raster: await readPicture(path, { keep16 }) };
}
/** 3 x 2 pixels, all different. */
const colours = Uint8Array.from({ length: 18 }, (_, i) => i * 13);

describe('pixels', () => {
  test('are the stored red, green and blue in every lossless format', async () => {
    for (const [name, image] of [
      ['a.png', raw(colours, 3, 2, 3).png()],
      ['a.tif', raw(colours, 3, 2, 3).tiff({ compression: 'none' })],
      ['a.webp', raw(colours, 3, 2, 3).webp({ lossless: true })],
      ['b.tiff', raw(colours, 3, 2, 3).tiff({ compression: 'lzw' })],
    ] as const) {
      const { raster, file } = await read(name, image);
      expect(raster.values, name).toEqual({ dtype: 'uint8', shape: [2, 3, 3], data: colours });
      expect(raster.channels).toEqual(['red', 'green', 'blue']);
      expect(raster.valid).toBeUndefined();
      expect([file.width, file.height]).toEqual([3, 2]);
    }
  });

  test('of JPEG and AVIF have the size and roughly the colours', async () => {
    const flat = new Uint8Array(48 * 32 * 3).fill(120);
    for (const [name, image] of [
      ['a.jpg', raw(flat, 48, 32, 3).jpeg()],
      ['a.avif', raw(flat, 48, 32, 3).avif()],
    ] as const) {
      const { raster } = await read(name, image);
      expect(raster.values.shape).toEqual([32, 48, 3]);
      expect(Math.max(...raster.values.data.map((v) => Math.abs(v - 120)))).toBeLessThan(4);
    }
  });

  test('of a grey picture are repeated', async () => {
    const { raster } = await read(
      'grey.png',
      raw(Uint8Array.from([0, 100, 255]), 3, 1, 1)
        .toColourspace('b-w')
        .png(),
    );
    expect([...raster.values.data]).toEqual([0, 0, 0, 100, 100, 100, 255, 255, 255]);
  });

  test('of a palette are looked up', async () => {
    const { raster } = await read(
      'palette.png',
      raw(Uint8Array.from([255, 0, 0, 0, 0, 255]), 2, 1, 3).png({ palette: true }),
    );
    expect([...raster.values.data]).toEqual([255, 0, 0, 0, 0, 255]);
  });

  test('are turned upright as EXIF says, to the byte where the format is lossless', async () => {
    const { raster, file } = await read('turned.png', raw(colours, 3, 2, 3).withMetadata({ orientation: 6 }).png());
    expect([file.width, file.height]).toEqual([2, 3]);
    // A quarter turn clockwise: the upper left pixel is the lower left one of before.
    expect(raster.values.shape).toEqual([3, 2, 3]);
    expect([...raster.values.data.subarray(0, 3)]).toEqual([...colours.subarray(9, 12)]);
  });

  test('are turned upright as EXIF says, and so are width and height', async () => {
    const { raster, file } = await read(
      'turned.jpg',
      raw(Uint8Array.from([255, 255, 255, 0, 0, 0, 0, 0, 0]), 3, 1, 3)
        .withMetadata({ orientation: 6 })
        .jpeg({ quality: 100, chromaSubsampling: '4:4:4' }),
    );
    expect([file.width, file.height]).toEqual([1, 3]);
    expect(raster.values.shape).toEqual([3, 1, 3]);
    expect(raster.values.data[0]).toBeGreaterThan(128);
    expect(raster.values.data[6]).toBeLessThan(128);
  });

  test('of 16 bits become 8 by dividing by 257, or stay', async () => {
    const deep = Uint16Array.from([0, 257, 65535, 128, 129, 32896]);
    const image = () => raw(deep, 2, 1, 3).toColourspace('rgb16').png();
    expect((await read('deep.png', image())).raster.values).toEqual({
      dtype: 'uint8',
      shape: [1, 2, 3],
      data: Uint8Array.from([0, 1, 255, 0, 1, 128]),
    });
    const kept = (await read('deep.png', image(), true)).raster.values;
    expect(kept.dtype).toBe('uint16');
    expect([...kept.data]).toEqual([...deep]);
  });

  test('of 16-bit grey keep their values, too', async () => {
    const { raster } = await read(
      'deepgrey.png',
      raw(Uint16Array.from([0, 300, 65535]), 3, 1, 1)
        .toColourspace('grey16')
        .png(),
      true,
    );
    expect([...raster.values.data]).toEqual([0, 0, 0, 300, 300, 300, 65535, 65535, 65535]);
  });

  test('that are fully transparent have no data; half transparent ones have', async () => {
    const { raster } = await read(
      'alpha.png',
      raw(Uint8Array.from([9, 8, 7, 0, 6, 5, 4, 1, 3, 2, 1, 255]), 3, 1, 4).png(),
    );
    expect([...raster.valid!]).toEqual([0, 1, 1]);
    expect([...raster.values.data]).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1]);
    expect(
      (await read('opaque.png', raw(Uint8Array.from([9, 8, 7, 255]), 1, 1, 4).png())).raster.valid,
    ).toBeUndefined();
    expect([
      ...(await read('greyalpha.png', raw(Uint8Array.from([7, 0, 9, 255]), 2, 1, 2).png())).raster.valid!,
    ]).toEqual([0, 1]);
  });
});

test('the bytes of a file are read like the file, and named as told', async () => {
  const bytes = new Uint8Array(await raw(colours, 3, 2, 3).png().toBuffer());
  expect((await readPicture(bytes)).values.data).toEqual(colours);
  await expect(readPicture(new Uint8Array(), { name: 'upload' })).rejects.toThrow(/upload: is empty/);
});

describe('what is broken names the file and what to do', () => {
  const whole = (): Promise<Buffer> =>
    raw(
      Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) => (i * 7919) % 251),
      64,
      64,
      3,
    )
      .tiff({ compression: 'none' })
      .toBuffer();

  test('an empty file', async () => {
    await expect(read('empty.png', new Uint8Array(0))).rejects.toThrow(
      /empty\.png: is empty \(0 bytes\)\. Copy it again, or leave it out/,
    );
  });

  test('no picture', async () => {
    await expect(read('text.png', new TextEncoder().encode('hello, I am no picture'))).rejects.toThrow(
      /text\.png: cannot be read as a picture: it does not begin as a PNG.*Copy it again/,
    );
  });

  test('a TIFF, a PNG or a JPEG that ends in the middle', async () => {
    const images = [
      ['cut.tif', await whole()],
      [
        'cut.png',
        await sharp(await whole())
          .png()
          .toBuffer(),
      ],
      [
        'cut.jpg',
        await sharp(await whole())
          .jpeg()
          .toBuffer(),
      ],
    ] as const;
    for (const [name, bytes] of images) {
      for (const part of [0.2, 0.5, 0.9]) {
        await expect(
          read(name, new Uint8Array(bytes.subarray(0, Math.floor(bytes.length * part)))),
          `${name} ${part}`,
        ).rejects.toThrow(
          new RegExp(
            `${name.replace('.', '\\.')}: cannot be read as a picture: it begins as a (TIFF|PNG|JPEG) but is damaged or cut short`,
          ),
        );
      }
    }
  });

  test('a TIFF whose pixels end in the middle though its directory is whole', async () => {
    const bytes = new Uint8Array(await whole());
    const view = new DataView(bytes.buffer);
    const little = bytes[0] === 0x49;
    const at = view.getUint32(4, little);
    // The directory moves to the front of the pixels' second half, which are cut off.
    const directory = bytes.slice(at);
    const cut = new Uint8Array(8 + 2000 + directory.length);
    cut.set(bytes.subarray(0, 2008));
    cut.set(directory, 2008);
    new DataView(cut.buffer).setUint32(4, 2008, little);
    await expect(read('halfpixels.tif', cut)).rejects.toThrow(/halfpixels\.tif: cannot be read as a picture/);
  });

  test('a missing file', async () => {
    await expect(readPicture(join(folder, 'gone.png'))).rejects.toThrow(/gone\.png: there is no such file/);
  });

  test('a picture of 30,000 x 30,000, before it is decoded, with the option that lets it in', async () => {
    // A real one of 16 x 16 whose header says more, as a hostile file would.
    const bytes = new Uint8Array(
      await sharp({ create: { width: 16, height: 16, channels: 3, background: 'white' } })
        .png()
        .toBuffer(),
    );
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    view.setUint32(16, 30000);
    view.setUint32(20, 30000);
    view.setUint32(29, crc32(bytes.subarray(12, 29)));
    const path = join(folder, 'huge.png');
    await writeFile(path, bytes);
    await expect(readPicture(path)).rejects.toThrow(
      /huge\.png: has 30000 x 30000 = 900000000 pixels, the limit is 268435456\. If you trust the file, raise the limit with `maxPixels: 900000000`/,
    );
  });

  test('a drawing, which could point to other files', async () => {
    const drawing = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>';
    await expect(read('drawing.png', new TextEncoder().encode(drawing))).rejects.toThrow(
      /drawing\.png: is not read as a picture: it begins as a drawing \(SVG\)/,
    );
  });

  test('with the remedy of the caller', async () => {
    await expect(readPicture(join(folder, 'gone.png'), { remedy: 'Look in the attic.' })).rejects.toThrow(/attic/);
    await expect(readPicture(new Uint8Array([1, 2, 3]), { remedy: 'Look in the attic.' })).rejects.toThrow(/attic/);
  });

  test('a TIFF of 32-bit whole numbers that is to be turned', async () => {
    const values = Uint32Array.from({ length: 18 }, (_, i) => i * 1e8);
    const file = makeTiff([{ width: 3, height: 2, bands: 3, photometric: 2, values, orientation: 6 }]);
    await expect(readPicture(file)).rejects.toThrow(/holds uint values; pictures have 8 or 16 bits/);
  });
});
