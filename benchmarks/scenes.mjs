// Measures scenes that are larger than an encoder's input, cut into overlapping tiles, encoded with the built-in
// encoder, and laid into one GeoTIFF in the colours of one fit:
//
//   node benchmarks/scenes.mjs seams [--scenes FOLDER]                  steps between pixels where tiles meet beside those elsewhere
//   node benchmarks/scenes.mjs memory [--scenes FOLDER] [--sizes 1248,2400,10000]   peak memory of runs over more and more tiles
//
// Linux only (/proc). Scenes of 16 dates are made where FOLDER has none (those of 10,000 x 10,000 take 2 GB and most of
// an hour on a busy machine); runs over smaller sizes read a part of them.

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { openGeoTiff } from '@deepearth/eo';
import { seamSteps, tileEdges } from '@deepearth/testing';
import { makeScenes } from './support/make-scenes.mjs';
import { childrenOf, peakOf } from './support/process-memory.mjs';

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    scenes: { type: 'string' },
    sizes: { type: 'string', default: '1248,2400' },
    tile: { type: 'string', default: '384' },
    overlap: { type: 'string', default: '96' },
    overlaps: { type: 'string', default: '0,32,64,96,128' },
  },
});
const here = fileURLToPath(new URL('.', import.meta.url));
const work = mkdtempSync(join(tmpdir(), 'scenes-'));
const tile = Number(flags.tile);

/** Runs scenes.yaml over a square part of the scenes, and returns its peak memory and what it wrote. */
async function runOver(scenes, edge, overlap, from = 0) {
  const output = mkdtempSync(join(work, 'run-'));
  const started = performance.now();
  const child = spawn(
    process.execPath,
    [
      ...[join(here, '../packages/cli/bin/deepearth.js'), 'run', join(here, 'scenes.yaml'), '--output', output],
      ...['--set', `scenes.with.files=${scenes}`],
      ...['--set', `scenes.with.window={ x: ${from}, y: ${from}, width: ${edge}, height: ${edge} }`],
      ...['--set', `scenes.with.tile={ size: ${tile}, overlap: ${overlap} }`],
      ...['--set', `tokens.with.cropSize=${tile}`],
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let said = '';
  child.stderr.on('data', (data) => (said = (said + data).slice(-4000)));
  let [own, others] = [0, 0];
  const peaks = new Map();
  const timer = setInterval(() => {
    own = Math.max(own, peakOf(child.pid));
    for (const pid of childrenOf(child.pid)) peaks.set(pid, Math.max(peaks.get(pid) ?? 0, peakOf(pid)));
    others = [...peaks.values()].reduce((sum, peak) => sum + peak, 0);
  }, 50);
  const code = await new Promise((resolve) => child.on('close', resolve));
  clearInterval(timer);
  if (code !== 0) throw new Error(`the run over ${edge} x ${edge} pixels ended with ${code}:\n${said}`);
  const { stages, outputs } = JSON.parse(readFileSync(join(output, 'manifest.json'), 'utf8'));
  return {
    clips: stages.find(({ id }) => id === 'tokens').out,
    seconds: (performance.now() - started) / 1000,
    own,
    others,
    raster: join(output, outputs[0].path),
  };
}

async function scenesOf(size) {
  const folder = flags.scenes ?? join(work, 'scenes');
  if (!existsSync(folder) || readdirSync(folder).length === 0)
    await makeScenes(folder, { size, dates: 16, log: (text) => console.error(text) });
  return folder;
}

/**
 * What is there by itself, fields and shores, is measured where tiles lie half a step further and the same places are
 * inside.
 */
async function seams() {
  const overlaps = flags.overlaps.split(',').map(Number);
  const tiles = 4;
  const edgeOf = (overlap) => tile + (tiles - 1) * (tile - overlap);
  const shiftOf = (overlap) => Math.round((tile - overlap) / 2 / 16) * 16;
  const folder = await scenesOf(Math.max(...overlaps.map((overlap) => edgeOf(overlap) + shiftOf(overlap))));
  console.log(
    '| overlap, pixels | step where tiles meet | elsewhere | ratio | ratio of the same places inside tiles | of the two |\n| --- | --- | --- | --- | --- | --- |',
  );
  for (const overlap of overlaps) {
    const edge = edgeOf(overlap);
    const shift = shiftOf(overlap);
    const edges = tileEdges(edge, tile, overlap).map((at) => at / 16);
    const read = async (from) => {
      const raster = await openGeoTiff((await runOver(folder, edge, overlap, from)).raster);
      const { bands } = await raster.read();
      await raster.close();
      return bands;
    };
    const { across, inside, ratio } = seamSteps(await read(0), edge / 16, edges);
    const moved = edges.map((at) => at - shift / 16).filter((at) => at > 0);
    const there = seamSteps(await read(shift), edge / 16, moved, edges);
    const cells = [overlap, across.toPrecision(3), inside.toPrecision(3), ratio.toFixed(3), there.ratio.toFixed(3)];
    console.log(`| ${cells.join(' | ')} | ${(ratio / there.ratio).toFixed(3)} |`);
  }
}

async function memory() {
  const sizes = flags.sizes.split(',').map(Number);
  const folder = await scenesOf(Math.max(...sizes));
  console.log('| pixels | tiles | peak MB | of children | s |\n| --- | --- | --- | --- | --- |');
  for (const size of sizes) {
    const { clips, own, others, seconds } = await runOver(folder, size, Number(flags.overlap));
    console.log(`| ${size} x ${size} | ${clips} | ${own.toFixed(0)} | ${others.toFixed(0)} | ${seconds.toFixed(0)} |`);
  }
}

try {
  console.log(`${cpus()[0].model}, ${cpus().length} cores, Node ${process.version}, load ${loadavg()[0].toFixed(0)}\n`);
  const [what] = positionals;
  if (what === 'seams') await seams();
  else if (what === 'memory') await memory();
  else throw new Error('say what is measured: seams or memory');
} finally {
  rmSync(work, { recursive: true });
}
