import { readFile, writeFile } from 'node:fs/promises';
import { writeCog } from '@deepearth/eo';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { deepearth, folderWith } from './testing/spawn.ts';

/** A GeoTIFF of one band of uint16: 100 times the column, 0 (no data) in the first. */
async function scene(): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  const raster = {
    width: 40,
    height: 30,
    bands: 1,
    type: 'uint16' as const,
    crs: 'EPSG:32633',
    transform: [10, 0, 399_960, 0, -10, 5_300_040] as const,
    resampling: 'mean' as const,
    nodata: 0,
    read: ({ x, width, height }: { x: number; width: number; height: number }) =>
      Uint16Array.from({ length: width * height }, (_, i) => 100 * (x + (i % width))),
  };
  for await (const part of writeCog(raster)) parts.push(part);
  return Buffer.concat(parts);
}

describe('deepearth inspect --picture', () => {
  test('draws a GeoTIFF, says what is drawn, and replaces no file unasked', async () => {
    await using folder = await folderWith({});
    await writeFile(folder.file('scene.tif'), await scene());
    const inspect = (...args: string[]) => deepearth(['inspect', 'scene.tif', ...args], { cwd: folder.path });
    const { status, stdout, stderr } = await inspect('--picture', 'look.png');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^kind +geotiff/m);
    expect(stderr).toContain(
      'Wrote look.png: 40 x 30 pixels, band 1; values from 100 to 3900 (percentiles 2 and 98) from black to white.',
    );
    const png = await readFile(folder.file('look.png'));
    expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([40, 30]);
    expect((await inspect('--picture', 'look.png')).status).toBe(2);
    expect((await inspect('--picture', 'look.jpg')).status).toBe(2);
    const again = JSON.parse((await inspect('--picture', 'look.png', '--force', '--json')).stdout) as object;
    expect(again).toMatchObject({
      kind: 'geotiff',
      picture: { file: 'look.png', width: 40, height: 30, bands: [1], factor: 1, stretch: { percentile: [2, 98] } },
    });
    expect(await readFile(folder.file('look.png'))).toEqual(png);
  });

  test('refuses a GeoTIFF that is cut short, and writes nothing', async () => {
    await using folder = await folderWith({});
    const bytes = await scene();
    await writeFile(folder.file('cut.tif'), bytes.subarray(0, bytes.length - 20));
    const { status, stderr } = await deepearth(['inspect', 'cut.tif', '--picture', 'look.png'], { cwd: folder.path });
    expect(status).toBe(1);
    expect(stderr).toContain('cut.tif');
    await expect(readFile(folder.file('look.png'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('describes an animation and draws its frames; a video that is none is refused by its name', async () => {
    await using folder = await folderWith({});
    const colours = ['#ff0000', '#0000ff'];
    const frames = await Promise.all(
      colours.map((background) =>
        sharp({ create: { width: 20, height: 10, channels: 3, background } })
          .png()
          .toBuffer(),
      ),
    );
    const gif = await sharp(frames, { join: { animated: true } })
      .gif({ delay: [100, 200] })
      .toBuffer();
    // The kind shows in the bytes, not in the name.
    await writeFile(folder.file('colours.bin'), gif);
    const inspect = (...args: string[]) => deepearth(['inspect', ...args], { cwd: folder.path });
    const { status, stdout } = await inspect('colours.bin', '--json', '--digest', '--picture', 'frames.png');
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      file: 'colours.bin',
      kind: 'video',
      frame_count: 2,
      pts_seconds: [0, 0.1],
      mean_rgb: [
        [255, 0, 0],
        [0, 0, 255],
      ],
      picture: { file: 'frames.png', width: 44, height: 10, frames: [0, 1] },
    });
    await writeFile(folder.file('none.mp4'), '');
    const none = await inspect('none.mp4', '--json');
    expect(none.status).toBe(1);
    expect(JSON.parse(none.stdout)).toMatchObject({ file: 'none.mp4', refused: expect.stringContaining('none.mp4') });
    expect((await inspect('colours.bin', '--variable', 'red')).stderr).toContain('has no variables');
  });
});
