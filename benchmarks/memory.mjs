// Measures the peak memory of a run over more and more clips: node benchmarks/memory.mjs [--demo] [CLIPS …]
// Linux only (/proc). Each run is a process of its own; children count too. Small frames and a small encoder by
// default; --demo takes the demo's frames (384 x 384) and the built-in V-JEPA 2 encoder.

import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { childrenOf, peakOf } from './support/process-memory.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const demo = process.argv.includes('--demo');
const given = process.argv
  .slice(2)
  .filter((argument) => /^\d+$/.test(argument))
  .map(Number);
const counts = given.length ? given : demo ? [50, 200] : [50, 2000];

async function measure(clips) {
  const output = mkdtempSync(join(tmpdir(), 'memory-'));
  const size = demo
    ? [
        'frames.with.width=384',
        'frames.with.height=384',
        'tokens.type=encoder/vjepa2',
        'tokens.with={ fit: resize, device: cpu }',
        'pca-tokens.with.cellPixels=20',
      ]
    : [];
  const started = performance.now();
  const child = spawn(
    process.execPath,
    [
      join(here, '../packages/cli/bin/deepearth.js'),
      'run',
      join(here, 'memory.yaml'),
      '--output',
      output,
      '--set',
      `frames.with.count=${clips * 16}`,
      ...size.flatMap((value) => ['--set', value]),
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let errors = '';
  child.stderr.on('data', (data) => (errors += data));
  let own = 0;
  const others = new Map();
  const timer = setInterval(() => {
    own = Math.max(own, peakOf(child.pid));
    for (const pid of childrenOf(child.pid)) others.set(pid, Math.max(others.get(pid) ?? 0, peakOf(pid)));
  }, 20);
  const code = await new Promise((resolve) => child.on('close', resolve));
  clearInterval(timer);
  const { stages, outputs } = JSON.parse(readFileSync(join(output, 'manifest.json'), 'utf8'));
  rmSync(output, { recursive: true });
  if (code !== 0) throw new Error(`the run of ${clips} clips ended with ${code}:\n${errors}`);
  const seen = stages.find(({ id }) => id === 'tokens').out;
  if (seen !== clips) throw new Error(`${seen} clips were encoded, not ${clips}`);
  return {
    clips,
    files: outputs.length,
    own,
    others: [...others.values()].reduce((sum, peak) => sum + peak, 0),
    seconds: (performance.now() - started) / 1000,
  };
}

console.log('| clips | files | peak MB | of children | s |\n| --- | --- | --- | --- | --- |');
const results = [];
for (const clips of counts) {
  const result = await measure(clips);
  results.push(result);
  console.log(
    `| ${clips} | ${result.files} | ${result.own.toFixed(0)} | ${result.others.toFixed(0)} | ${result.seconds.toFixed(1)} |`,
  );
}
const [first, last] = [results[0], results.at(-1)];
console.log(
  `\n${last.clips} clips take ${((last.own + last.others) / (first.own + first.others)).toFixed(2)} times the memory of ${first.clips}.`,
);
