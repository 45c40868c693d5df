import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readPicture } from '@deepearth/vision/read-picture';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { savePictureSeen, seePicture } from './see.ts';

const fixtures = fileURLToPath(new URL('../../vision/fixtures/preprocess/', import.meta.url));
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'see-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('seeing what the model sees', () => {
  it('writes the crop that the reference processor makes', async () => {
    const output = join(folder, 'seen.png');
    expect(await savePictureSeen(`${fixtures}211x150.png`, output, { cropSize: 64 })).toEqual({
      height: 64,
      width: 64,
    });
    expect(
      Buffer.compare(
        (await readPicture(output)).values.data as Uint8Array,
        (await readPicture(`${fixtures}211x150.crop64.png`)).values.data as Uint8Array,
      ),
    ).toBe(0);
  });

  it('puts tiles side by side', async () => {
    const picture = join(folder, 'wide.png');
    const pixels = Uint8Array.from({ length: 20 * 50 * 3 }, (_, i) => (i * 13) & 255);
    await sharp(pixels, { raw: { height: 20, width: 50, channels: 3 } })
      .png()
      .toFile(picture);
    const seen = await seePicture(picture, { cropSize: 16, fit: 'tile' });
    expect(seen.shape).toEqual([32, 64, 3]);
    for (let y = 0; y < 20; y++)
      expect(
        Buffer.compare(seen.data.subarray(y * 64 * 3, (y * 64 + 50) * 3), pixels.subarray(y * 150, (y + 1) * 150)),
      ).toBe(0);
  });

  it('leaves nothing behind when the picture cannot be read', async () => {
    const before = await readdir(folder);
    await expect(savePictureSeen(join(folder, 'none.png'), join(folder, 'out.png'), { cropSize: 64 })).rejects.toThrow(
      /none\.png/,
    );
    await expect(savePictureSeen(`${fixtures}20x31.png`, join(folder, 'out.png'), { cropSize: 100 })).rejects.toThrow(
      /multiple of 16/,
    );
    expect(await readdir(folder)).toEqual(before);
  });
});
