// Counts decodes per frame and measures the peak memory of a run with frames of 1920 x 1080, two reducers and three
// renderers: node benchmarks/decoding.mjs [FRAMES] [CHECKOUT …]
// Linux only (/proc). Each CHECKOUT is another built working tree to compare with; the runs take turns, three of each.

import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { weather } from '@deepearth/sources/weather';
import sharp from 'sharp';
import { childrenOf, peakOf } from './support/process-memory.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const given = process.argv.slice(2);
const count = Number(given.find((argument) => /^\d+$/.test(argument)) ?? 48);
const checkouts = [
  join(here, '..'),
  ...given.filter((argument) => !/^\d+$/.test(argument)).map((path) => resolve(path)),
];
const rounds = 3;

const folder = mkdtempSync(join(tmpdir(), 'decoding-'));
const size = { width: 1920, height: 1080 };
mkdirSync(join(folder, 'frames'));
const world = weather({ ...size, seed: 7 });
for (let number = 0; number < count; number++)
  await sharp(world.draw(number).data, { raw: { ...size, channels: 3 } })
    .jpeg({ quality: 90 })
    .toFile(join(folder, 'frames', `frame_${String(number).padStart(4, '0')}.jpg`));

async function measure(checkout) {
  const [output, decodes] = [join(folder, 'output'), join(folder, 'decodes')];
  writeFileSync(decodes, '');
  const started = performance.now();
  const child = spawn(
    process.execPath,
    [
      ...['--import', join(here, 'count-decodes.js')],
      join(checkout, 'packages/cli/bin/deepearth.js'),
      ...['run', join(here, 'decoding.yaml'), '--output', output],
      ...['--set', `frames.with.directory=${join(folder, 'frames')}`],
    ],
    { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, COUNT_DECODES: decodes } },
  );
  let errors = '';
  child.stderr.on('data', (data) => (errors += data));
  let own = 0;
  const others = new Map();
  const timer = setInterval(() => {
    own = Math.max(own, peakOf(child.pid));
    for (const pid of childrenOf(child.pid)) others.set(pid, Math.max(others.get(pid) ?? 0, peakOf(pid)));
  }, 20);
  const code = await new Promise((done) => child.on('close', done));
  clearInterval(timer);
  if (code !== 0) throw new Error(`the run in ${checkout} ended with ${code}:\n${errors}`);
  const { outputs } = JSON.parse(readFileSync(join(output, 'manifest.json'), 'utf8'));
  if (outputs.length !== 3 * count) throw new Error(`${outputs.length} pictures were written, not ${3 * count}`);
  rmSync(output, { recursive: true });
  const decoded = readFileSync(decodes, 'utf8')
    .split('\n')
    .reduce((sum, line) => sum + Number(line), 0);
  return {
    decodes: decoded / count,
    own,
    others: [...others.values()].reduce((sum, peak) => sum + peak, 0),
    seconds: (performance.now() - started) / 1000,
  };
}

const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];
try {
  const results = checkouts.map(() => []);
  for (let round = 0; round < rounds; round++)
    for (const [index, checkout] of checkouts.entries()) results[index].push(await measure(checkout));
  console.log('| checkout | decodes per frame | peak MB | of children | s |\n| --- | --- | --- | --- | --- |');
  for (const [index, checkout] of checkouts.entries()) {
    const of = (name, digits) => median(results[index].map((result) => result[name])).toFixed(digits);
    console.log(`| ${checkout} | ${of('decodes', 2)} | ${of('own', 0)} | ${of('others', 0)} | ${of('seconds', 1)} |`);
  }
} finally {
  rmSync(folder, { recursive: true });
}
