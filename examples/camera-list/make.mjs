// Makes what a camera trap leaves: two cameras' pictures and `media.csv`, which says when each was taken and where.
//   node examples/camera-list/make.mjs [FOLDER]

import { mkdir, writeFile } from 'node:fs/promises';
import { weather } from '@deepearth/sources';
import sharp from 'sharp';

const [folder = 'camera-trap'] = process.argv.slice(2);
const [width, height] = [160, 120];
const cameras = [
  { deployment: 'ridge', seed: 3, latitude: 47.55, longitude: 11.32 },
  { deployment: 'valley', seed: 5, latitude: 47.51, longitude: 11.29 },
];
const rows = ['mediaID,deploymentID,timestamp,filePath,fileMediatype,latitude,longitude,mediaComments'];

for (const { deployment, seed, latitude, longitude } of cameras) {
  const world = weather({ width, height, seed });
  await mkdir(`${folder}/${deployment}`, { recursive: true });
  for (let number = 0; number < 16; number++) {
    const file = `${deployment}/IMG_${String(number + 1).padStart(4, '0')}.jpg`;
    const { data } = world.draw(number);
    await sharp(data, { raw: { width, height, channels: 3 } })
      .jpeg({ quality: 92 })
      .toFile(`${folder}/${file}`);
    // Two visits of eight pictures each, an hour apart.
    const at = new Date(Date.UTC(2024, 4, 1, 4 + Math.floor(number / 8), 0, 2 * (number % 8))).toISOString();
    rows.push(
      `${deployment}-${number},${deployment},${at},${file},image/jpeg,${latitude},${longitude},"made, not taken"`,
    );
  }
}
// The order of a list does not matter.
await writeFile(`${folder}/media.csv`, `${[rows[0], ...rows.slice(1).reverse()].join('\r\n')}\r\n`);
