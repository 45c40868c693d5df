// Times what happens to pictures around the encoder: node benchmarks/pictures.mjs [DIRECTORY OF FRAMES]
// Prints medians in milliseconds per picture; run it after `npx tsc -b`.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { weather } from '@deepearth/sources/weather';
import { readPicture } from '@deepearth/vision/read-picture';
import { overlayPixels } from '@deepearth/renderers/overlay-pixels';
import { encodePicture } from '@deepearth/sinks/pictures';
import { gifWriter } from '@deepearth/sinks/gif-frames';

const directory = process.argv[2] ?? '../shared/data/ncar';
const size = 384;
const count = 48;
const world = weather({ width: size, height: size, seed: 7 });
const frames = Array.from({ length: count }, (_, i) => world.draw(i));
const colors = Uint8Array.from({ length: 24 * 24 * 4 }, (_, i) => (i % 4 === 3 ? 255 : (i * 37) % 256));
const geometry = { frameWidth: size, frameHeight: size, x: 24, y: 24, width: 336, height: 336 };
const out = new Uint8Array(size * size * 3);

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
async function time(name, rounds, work) {
  const taken = [];
  for (let i = 0; i < rounds; i++) {
    const start = performance.now();
    await work(i);
    taken.push(performance.now() - start);
  }
  console.log(`${name.padEnd(52)} ${median(taken.slice(rounds >> 2)).toFixed(2)} ms`);
}

await time('synthetic frame, 384 x 384', count, (i) => world.draw(i + 0.5));
const files = readdirSync(directory)
  .filter((name) => /\.tif$/.test(name))
  .map((name) => join(directory, name));
await time('read, digest and decode a TIFF of 360 x 360', 48, async (i) => readPicture(files[i % files.length]));
for (const interpolation of ['nearest', 'smooth']) {
  await time(`overlay, ${interpolation}`, count, (i) =>
    overlayPixels(frames[i].data, geometry, { colors, height: 24, width: 24 }, 0.5, interpolation, out),
  );
}
await time('PNG of 384 x 384', count, (i) => encodePicture(frames[i], 'png'));
const writer = await gifWriter({ fps: 12, loop: true, colors: 256, palette: 'shared', dither: true });
const start = performance.now();
let bytes = 0;
for (let round = 0; round < 4; round++)
  for (const { data } of frames)
    bytes += writer.add({ data, channels: 3, width: size, height: size }).reduce((n, part) => n + part.length, 0);
for (const part of writer.end()) bytes += part.length;
console.log(
  `${'GIF, per picture, palette included'.padEnd(52)} ${((performance.now() - start) / (4 * count)).toFixed(2)} ms, ${Math.round(bytes / (4 * count) / 1024)} KiB`,
);
