// Times video sinks beside ffmpeg on the same frames, and their memory: node benchmarks/video.mjs [speed | memory]
// Needs ffmpeg for the comparison. Run it after `npx tsc -b`.

import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, openSync, readFileSync, readSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spec, tensor } from '@deepearth/core';
import { overlayPixels } from '@deepearth/renderers/overlay-pixels';
import { runStage } from '@deepearth/runtime/run-stage';
import { gif } from '@deepearth/sinks/gif';
import { weather } from '@deepearth/sources/weather';
import { makePictures } from '@deepearth/testing';
import { mp4 } from '@deepearth/video/mp4';

const [what = 'all', ...rest] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'video-'));
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

/** Frames `[height, width, 3]` of drifting weather under token colours, as one raw file. */
function drawFrames(path, width, height, count) {
  const world = weather({ width, height, seed: 7 });
  const geometry = { frameWidth: width, frameHeight: height, x: 0, y: 0, width, height };
  const out = new Uint8Array(width * height * 3);
  const parts = Array.from({ length: count }, (_, i) => {
    const colors = Uint8Array.from({ length: 24 * 24 * 4 }, (_, at) =>
      at % 4 === 3 ? 255 : (at * 37 + ((at * 7919) % 16) + i) % 256,
    );
    overlayPixels(world.draw(i).data, geometry, { colors, height: 24, width: 24 }, 0.5, 'nearest', out);
    return out.slice();
  });
  writeFileSync(path, Buffer.concat(parts));
}

const template = makePictures(1)[0];
/** The pictures of a raw file, read when they are asked for; the file begins again where more are wanted. */
async function* picturesOf(path, width, height, count) {
  const file = openSync(path);
  const there = statSync(path).size / (width * height * 3);
  for (let number = 0; number < count; number++) {
    const data = new Uint8Array(width * height * 3);
    readSync(file, data, 0, data.length, (number % there) * data.length);
    yield {
      ...template,
      id: `made-${number}`,
      key: number.toString(16).padStart(32, '0'),
      frame: { ...template.frame, id: `frame-${number}`, number },
      pixels: tensor('uint8', [height, width, 3], data),
    };
  }
}

async function write(stage, options, path, width, height, count) {
  const output = mkdtempSync(join(folder, 'run-'));
  const items = picturesOf(path, width, height, count);
  const input = { items, spec: spec('picture', { height, width, channels: 3 }, 'uint8', count) };
  const start = performance.now();
  let bytes = 0;
  for await (const artifact of runStage(stage, { options, inputs: [input], output })) bytes = artifact.bytes;
  const seconds = (performance.now() - start) / 1000;
  rmSync(output, { recursive: true });
  return { seconds, bytes };
}

function ffmpeg(path, size) {
  const out = join(folder, 'peer.mp4');
  const start = performance.now();
  const { status, stderr } = spawnSync('ffmpeg', [
    ...['-v', 'error', '-y', '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-video_size', `${size}x${size}`],
    ...['-framerate', '12', '-i', path, '-vf', 'scale=out_color_matrix=bt709:out_range=tv,format=yuv420p'],
    ...['-c:v', 'libx264', '-preset', 'veryfast', '-crf', '20', '-g', '48', '-movflags', '+faststart', out],
  ]);
  if (status !== 0) throw new Error(String(stderr));
  return { seconds: (performance.now() - start) / 1000, bytes: statSync(out).size };
}

async function speed() {
  const [size, count, rounds] = [1024, 96, 3];
  const path = join(folder, 'frames.rgb');
  drawFrames(path, size, size, 48);
  const twice = join(folder, 'twice.rgb');
  const frames = readFileSync(path);
  writeFileSync(twice, Buffer.concat([frames, frames]));
  const ways = {
    'ffmpeg, by itself': () => ffmpeg(twice, size),
    'sink/mp4, ffmpeg': () => write(mp4, { encoder: 'ffmpeg' }, twice, size, size, count),
    'sink/mp4, embedded': () => write(mp4, { encoder: 'embedded' }, twice, size, size, count),
    'sink/gif': () => write(gif, {}, twice, size, size, count),
  };
  const taken = Object.fromEntries(Object.keys(ways).map((name) => [name, []]));
  for (let round = 0; round < rounds; round++)
    for (const [name, way] of Object.entries(ways)) taken[name].push(await way());
  console.log(`${count} frames of ${size} x ${size}, ${rounds} rounds, one way after the other`);
  for (const [name, runs] of Object.entries(taken)) {
    const rates = runs.map(({ seconds }) => count / seconds);
    console.log(
      `${name.padEnd(22)} ${rates.map((rate) => rate.toFixed(1)).join(', ')} frames/s (median ${median(rates).toFixed(1)}), ${(runs[0].bytes / 1e6).toFixed(2)} MB`,
    );
  }
}

/** Peak memory of a process of its own, in MB; ffmpeg's own is not in it. */
async function memory() {
  for (const [name, kind, options] of [
    ['sink/mp4, embedded', 'mp4', { encoder: 'embedded' }],
    ['sink/mp4, ffmpeg', 'mp4', { encoder: 'ffmpeg' }],
    ['sink/gif', 'gif', {}],
  ]) {
    const peaks = {};
    for (const count of [200, 4000]) {
      const child = spawn(process.execPath, [
        import.meta.filename,
        'child',
        kind,
        JSON.stringify(options),
        String(count),
      ]);
      let said = '';
      child.stdout.on('data', (part) => (said += part));
      child.stderr.pipe(process.stderr);
      await new Promise((resolve) => child.once('close', resolve));
      peaks[count] = Number(said);
    }
    console.log(
      `${name.padEnd(22)} 200 frames ${peaks[200].toFixed(0)} MB, 4,000 frames ${peaks[4000].toFixed(0)} MB, ratio ${(peaks[4000] / peaks[200]).toFixed(2)}`,
    );
  }
}

if (what === 'child') {
  const [kind, options, count] = rest;
  const path = join(folder, 'frames.rgb');
  drawFrames(path, 256, 512, 16);
  await write({ mp4, gif }[kind], JSON.parse(options), path, 256, 512, Number(count));
  console.log(process.resourceUsage().maxRSS / 1024);
} else {
  if (what !== 'memory') await speed();
  if (what !== 'speed') await memory();
}
rmSync(folder, { recursive: true });
