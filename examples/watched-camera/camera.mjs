// Plays a camera: writes a picture of the weather into a folder now and then, in pieces, under its final name.
//   node examples/watched-camera/camera.mjs [FOLDER] [COUNT] [SECONDS]

import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { weather } from '@deepearth/sources';
import sharp from 'sharp';

const [folder = 'incoming', count = '32', seconds = '1'] = process.argv.slice(2);
const [width, height] = [256, 192];
const world = weather({ width, height, seed: 7 });

await mkdir(folder, { recursive: true });
for (let number = 0; number < Number(count); number++) {
  const { data } = world.draw(number);
  const png = await sharp(data, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
  const at = new Date(Date.UTC(2024, 4, 1, 6, 0, 10 * number)).toISOString().replaceAll(/[-:]|\.\d+/g, '');
  const path = `${folder}/cam_${at}.png`;
  const third = Math.ceil(png.length / 3);
  await writeFile(path, png.subarray(0, third));
  for (let from = third; from < png.length; from += third) {
    await pause(Number(seconds) * 200);
    await appendFile(path, png.subarray(from, from + third));
  }
  await pause(Number(seconds) * 600);
}
