// Draws 64 frames of 1920 x 1080 as 64 overlays and 64 stacked pictures (JPEG) with the pipeline of drawing.yaml,
// beside the same with OpenCV where a Python with cv2 is named: node benchmarks/drawing.mjs [PYTHON] [CHECKOUT …] Each
// CHECKOUT is another built working tree to compare with; all take turns, five of each. Times are taken inside the
// processes, from the first file that is opened to the last that is written; `held` is the longest time for which the
// event loop of the run stood still. Seconds of the processor say more than those of the clock where others use it too.

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { weather } from '@deepearth/sources/weather';
import sharp from 'sharp';

const here = fileURLToPath(new URL('.', import.meta.url));
const [python, ...others] = process.argv.slice(2);
const rounds = 5;
const count = 64;
const size = { width: 1920, height: 1080 };

const folder = mkdtempSync(join(tmpdir(), 'drawing-'));
const frames = join(folder, 'frames');
mkdirSync(frames);
const world = weather({ ...size, seed: 7 });
for (let number = 0; number < count; number++)
  await sharp(world.draw(number).data, { raw: { ...size, channels: 3 } })
    .jpeg({ quality: 90 })
    .toFile(join(frames, `frame_${String(number).padStart(4, '0')}.jpg`));

const sides = [
  ...[join(here, '..'), ...others.map((path) => resolve(path))].map((checkout) => ({
    name: checkout,
    command: [process.execPath, join(here, 'support/draw-once.mjs'), checkout],
  })),
  ...(python
    ? [
        { name: 'OpenCV', command: [python, join(here, 'drawing.py')] },
        { name: 'OpenCV, 4:4:4', command: [python, join(here, 'drawing.py')], last: ['444'] },
      ]
    : []),
];

function once({ name, command: [program, ...rest], last = [] }) {
  const output = join(folder, 'output');
  const { status, stdout, stderr } = spawnSync(program, [...rest, frames, output, ...last], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${name} ended with ${status}:\n${stderr}`);
  rmSync(output, { recursive: true, force: true });
  return JSON.parse(stdout.trim().split('\n').at(-1));
}

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
try {
  const results = sides.map(() => []);
  for (let round = 0; round < rounds; round++)
    for (const [index, side] of sides.entries()) results[index].push(once(side));
  console.log(
    '| | s | from | to | user s | system s | held ms | MB written |\n| --- | --- | --- | --- | --- | --- | --- | --- |',
  );
  for (const [index, { name }] of sides.entries()) {
    const of = (what) => results[index].map((result) => result[what]);
    const seconds = of('seconds');
    const held = results[index][0].held === undefined ? '' : median(of('held')).toFixed(0);
    console.log(
      `| ${name} | ${median(seconds).toFixed(2)} | ${Math.min(...seconds).toFixed(2)} | ${Math.max(...seconds).toFixed(2)} | ${median(of('user')).toFixed(2)} | ${median(of('system')).toFixed(2)} | ${held} | ${(median(of('bytes')) / 1e6).toFixed(1)} |`,
    );
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
