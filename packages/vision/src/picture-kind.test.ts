import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pictureExif } from './picture-exif.ts';
import { pictureHeader } from './picture-header.ts';
import { readPicture } from './read-picture.ts';

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'kinds-'))));
afterAll(() => rm(folder, { recursive: true, force: true }));

const pixels = sharp(Buffer.alloc(8 * 8 * 3, 90), { raw: { width: 8, height: 8, channels: 3 } });
// Drawn, it is a filter over 10^8 pixels for each of its shapes.
const drawing = `<svg xmlns="http://www.w3.org/2000/svg" width="10000" height="10000"><filter id="f"><feTurbulence numOctaves="99"/></filter>${'<rect width="10000" height="10000" filter="url(#f)"/>'.repeat(3)}</svg>`;

const written = async (name: string, bytes: Uint8Array | string): Promise<string> => {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
};

describe('a picture file is what its bytes say', () => {
  test.each(['png', 'jpeg', 'webp', 'tiff', 'avif'] as const)(
    '%s is read under the name of another',
    async (format) => {
      const path = await written(`as-${format}.jpg`, await pixels.clone().toFormat(format).toBuffer());
      expect((await readPicture(path)).values.shape).toEqual([8, 8, 3]);
      expect(await pictureHeader(path)).toMatchObject({ width: 8, height: 8 });
    },
  );

  test('a GIF is read where its name says so, and else refused', async () => {
    const bytes = await pixels.clone().gif().toBuffer();
    expect((await readPicture(await written('a.gif', bytes))).values.shape).toEqual([8, 8, 3]);
    const wrong = await written('gif.jpg', bytes);
    await expect(readPicture(wrong)).rejects.toMatchObject({
      code: 'E_PICTURE_KIND',
      message: expect.stringContaining('begins as a GIF'),
    });
    expect(await pictureHeader(wrong)).toBeUndefined();
  });

  test.each([
    ['drawing.jpg', drawing],
    ['drawing.png', `\ufeff\n<?xml version="1.0"?>${drawing}`],
    ['drawing.svg', drawing],
    ['document.jpg', '%PDF-1.7\n%'],
    ['packed.png', Uint8Array.of(0x1f, 0x8b, 8, 0)],
  ])('%s is refused before it is drawn, also by its header', async (name, bytes) => {
    const path = await written(name, bytes);
    await expect(readPicture(path)).rejects.toMatchObject({ code: 'E_PICTURE_KIND' });
    await expect(readPicture(new TextEncoder().encode(drawing))).rejects.toMatchObject({ code: 'E_PICTURE_KIND' });
    expect(await pictureHeader(path)).toBeUndefined();
    expect(await pictureExif(path)).toBeUndefined();
  });

  test.skipIf(process.platform === 'win32')('a pipe is refused by name, and nobody waits for it', async () => {
    const path = join(folder, 'pipe.jpg');
    execFileSync('mkfifo', [path]);
    await expect(readPicture(path)).rejects.toMatchObject({
      code: 'E_NOT_A_FILE',
      message: expect.stringContaining(`${path}: is a pipe (FIFO)`),
    });
    expect(await pictureHeader(path)).toBeUndefined();
    expect(await pictureExif(path)).toBeUndefined();
  });
});
