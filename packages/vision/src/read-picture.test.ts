import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InputError } from '@deepearth/core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readPicture } from './picture.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'picture-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const noise = (length: number) => Uint8Array.from({ length }, (_, i) => (i * 7919 + (i >> 3) * 31) & 255);
const picture = (width: number, height: number, channels: 1 | 3 | 4) =>
  sharp(noise(width * height * channels), { raw: { width, height, channels } });

describe('readPicture', () => {
  it('returns the stored bytes of a PNG, alpha last', async () => {
    for (const [channels, names] of [
      [3, ['red', 'green', 'blue']],
      [4, ['red', 'green', 'blue', 'alpha']],
    ] as const) {
      const raster = await readPicture(await picture(13, 7, channels).png().toBuffer());
      expect(raster.values.shape).toEqual([7, 13, channels]);
      expect(raster.channels).toEqual(names);
      expect(raster.values.data).toEqual(noise(13 * 7 * channels));
    }
  });

  it('reads a palette as colours, grey as one channel, and 16 bits as 16 bits', async () => {
    expect((await readPicture(await picture(9, 9, 3).png({ palette: true }).toBuffer())).channels).toEqual([
      'red',
      'green',
      'blue',
    ]);
    const grey = await readPicture(await picture(9, 9, 1).toColourspace('b-w').png().toBuffer());
    expect([grey.channels, grey.values.shape]).toEqual([['grey'], [9, 9, 1]]);
    const wide = Uint16Array.from({ length: 3 * 25 }, (_, i) => i * 800);
    const file = await sharp(wide, { raw: { width: 5, height: 5, channels: 3 } })
      .toColourspace('rgb16')
      .png()
      .toBuffer();
    const read = await readPicture(file, { keep16: true });
    expect(read.values.dtype).toBe('uint16');
    expect(read.values.data).toEqual(wide);
    expect((await readPicture(file)).values.data).toEqual(Uint8Array.from(wide, (value) => Math.round(value / 257)));
  });

  it('turns a picture upright as its EXIF orientation says', async () => {
    const lying = await picture(8, 4, 3).withMetadata({ orientation: 6 }).png().toBuffer();
    const raster = await readPicture(lying);
    expect(raster.values.shape).toEqual([8, 4, 3]);
    // A quarter turn clockwise: the upper left pixel is the lower left one of before.
    expect([...raster.values.data.subarray(0, 3)]).toEqual([...noise(96).subarray(3 * 8 * 3, 3 * 8 * 3 + 3)]);
  });

  it('names the file that is missing, empty, cut off, no picture, or too large', async () => {
    const path = (name: string) => join(folder, name);
    await writeFile(path('empty.png'), '');
    const whole = await picture(200, 200, 3).jpeg().toBuffer();
    await writeFile(path('cut.jpg'), whole.subarray(0, whole.length / 2));
    const png = await picture(200, 200, 3).png().toBuffer();
    await writeFile(path('cut.png'), png.subarray(0, png.length / 2));
    await writeFile(path('text.png'), 'this is no picture');
    await writeFile(path('large.png'), png);
    await expect(readPicture(path('missing.png'))).rejects.toThrow(/missing\.png: there is no such file/);
    await expect(readPicture(path('empty.png'))).rejects.toThrow(/empty\.png: it is empty/);
    await expect(readPicture(path('cut.jpg'))).rejects.toThrow(/cut\.jpg: it cannot be read/);
    await expect(readPicture(path('cut.png'))).rejects.toThrow(/cut\.png: it cannot be read/);
    await expect(readPicture(path('text.png'))).rejects.toThrow(InputError);
    await expect(
      readPicture(new TextEncoder().encode('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'), {
        name: 'drawing.svg',
      }),
    ).rejects.toThrow(/drawing\.svg: .*no picture/);
    await expect(readPicture(path('large.png'), { maxPixels: 1000 })).rejects.toThrow(
      /large\.png: it has 200 x 200 pixels/,
    );
    await expect(readPicture(new Uint8Array(), { name: 'upload' })).rejects.toThrow(/upload: it is empty/);
  });
});
