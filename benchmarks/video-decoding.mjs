// Times source/video beside ffmpeg on the same file, and its memory: node benchmarks/video-decoding.mjs [speed | sparse
// | memory] Needs ffmpeg. Run it after `npx tsc -b`.

import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { releaseRaster } from '@deepearth/core';
import { runStage } from '@deepearth/runtime/run-stage';
import { video } from '@deepearth/video/video';

const [what = 'all', ...rest] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'video-decoding-'));
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

function ffmpeg(...args) {
  const { status, stderr } = spawnSync('ffmpeg', ['-nostdin', '-v', 'error', ...args]);
  if (status !== 0) throw new Error(String(stderr));
}

/** Moving test pictures; one key frame in 250, as x264 has it. */
function make(name, source, codec) {
  const path = join(folder, name);
  if (!existsSync(path)) ffmpeg('-f', 'lavfi', '-i', source, ...codec, '-pix_fmt', 'yuv420p', '-y', path);
  return path;
}

const x264 = ['-c:v', 'libx264', '-preset', 'veryfast', '-crf', '20'];
const files = {
  'H.264 1920 x 1080': () => make('hd.mp4', 'testsrc2=size=1920x1080:rate=25:duration=12', x264),
  'H.264 640 x 360': () => make('small.mp4', 'testsrc2=size=640x360:rate=25:duration=80', x264),
  'VP9 1280 x 720': () =>
    make('hd.webm', 'testsrc2=size=1280x720:rate=25:duration=10', [
      ...['-c:v', 'libvpx-vp9', '-deadline', 'realtime', '-cpu-used', '8', '-b:v', '4M'],
    ]),
};

async function read(options) {
  const start = performance.now();
  let count = 0;
  let first;
  for await (const frame of runStage(video, { options })) {
    // As encoders do.
    releaseRaster(await frame.read());
    if (count++ === 0) first = performance.now();
  }
  const end = performance.now();
  return {
    count,
    seconds: (end - start) / 1000,
    begun: (first - start) / 1000,
    rate: (count - 1) / ((end - first) / 1000),
  };
}

function peer(path, ...filters) {
  const start = performance.now();
  ffmpeg('-i', path, ...filters, '-map', '0:v', '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-y', '/dev/null');
  return { seconds: (performance.now() - start) / 1000 };
}

async function compare(title, ways, rounds = 3) {
  const taken = Object.fromEntries(Object.keys(ways).map((name) => [name, []]));
  let count = 0;
  for (let round = 0; round < rounds; round++)
    for (const [name, way] of Object.entries(ways)) {
      const run = await way();
      count = run.count ?? count;
      taken[name].push(run);
    }
  console.log(`${title}: ${count} frames, ${rounds} rounds, one way after the other`);
  const secondsOf = (runs) => median(runs.map(({ seconds }) => seconds));
  const [base] = Object.values(taken);
  for (const [name, runs] of Object.entries(taken)) {
    const rates = runs.map(({ seconds }) => count / seconds);
    const own = runs[0].rate && {
      begun: median(runs.map(({ begun }) => begun)),
      rate: median(runs.map(({ rate }) => rate)),
    };
    console.log(
      `  ${name.padEnd(24)} ${rates.map((rate) => rate.toFixed(0)).join(', ')} frames/s, median ${median(rates).toFixed(0)}, of ffmpeg ${(secondsOf(base) / secondsOf(runs)).toFixed(2)}${own ? `; first frame after ${own.begun.toFixed(2)} s, then ${own.rate.toFixed(0)} frames/s` : ''}`,
    );
  }
}

async function speed() {
  for (const [title, file] of Object.entries(files)) {
    const path = file();
    await compare(title, {
      'ffmpeg to /dev/null': () => peer(path),
      'source/video': () => read({ path }),
    });
  }
}

/** A frame in each second, and sixteen of all. */
async function sparse() {
  const path = files['H.264 640 x 360']();
  await compare('one frame a second of 80 s', {
    'ffmpeg, fps=1': () => peer(path, '-vf', 'fps=1'),
    'source/video': () => read({ path, framesPerSecond: 1 }),
  });
  const start = performance.now();
  const frames = [];
  for await (const frame of runStage(video, { options: { path } })) {
    frames.push(frame);
    if (frames.length < 2000) continue;
    for (let i = 0; i < 16; i++) await frames[i * 125].read();
  }
  console.log(`16 of 2,000 frames, evenly spread: ${((performance.now() - start) / 1000).toFixed(2)} s with probing`);
}

/** Peak memory of a process of its own, in MB; ffmpeg's own is not in it. */
async function memory() {
  const peaks = {};
  for (const count of [10_000, 100_000]) {
    const path = make(`${count}.mp4`, `testsrc2=size=96x64:rate=25:duration=${count / 25}`, [
      ...['-c:v', 'libx264', '-preset', 'ultrafast'],
    ]);
    const child = spawn(process.execPath, [import.meta.filename, 'child', path]);
    let said = '';
    child.stdout.on('data', (part) => (said += part));
    child.stderr.pipe(process.stderr);
    await new Promise((resolve) => child.once('close', resolve));
    const { peak, seen } = JSON.parse(said);
    if (seen !== count) throw new Error(`${seen} frames were read, not ${count}`);
    peaks[count] = peak;
    console.log(`${count} frames: ${peak.toFixed(0)} MB`);
  }
  console.log(`ratio ${(peaks[100_000] / peaks[10_000]).toFixed(2)}`);
}

if (what === 'child') {
  const { count } = await read({ path: rest[0] });
  console.log(JSON.stringify({ seen: count, peak: process.resourceUsage().maxRSS / 1024 }));
} else {
  if (what === 'speed' || what === 'all') await speed();
  if (what === 'sparse' || what === 'all') await sparse();
  if (what === 'memory' || what === 'all') await memory();
}
rmSync(folder, { recursive: true });
