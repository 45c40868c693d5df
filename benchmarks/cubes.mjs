// Times reading of slices and windows of Zarr stores and NetCDF files, one by one next to zarr-python and netCDF4: the
// time that passes, and that of the processor, which other programs on the machine disturb less.
//
//   node benchmarks/cubes.mjs --python PYTHON [--size 2048] [--times 8] [--rounds 15] [--folder FOLDER]

import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { openNetcdf, openZarr } from '@deepearth/eo';

const { values: flags } = parseArgs({
  options: {
    python: { type: 'string' },
    size: { type: 'string', default: '2048' },
    times: { type: 'string', default: '8' },
    rounds: { type: 'string', default: '15' },
    folder: { type: 'string' },
  },
});
if (!flags.python) throw new Error('name a Python that has zarr and netCDF4: --python PYTHON');
const [size, count, rounds] = [Number(flags.size), Number(flags.times), Number(flags.rounds)];
const folder = flags.folder ?? (await mkdtemp(join(tmpdir(), 'cubes-')));
const files = [
  'v2-blosc-lz4.zarr',
  'v2-blosc-zstd.zarr',
  'v3-zstd.zarr',
  'v3-gzip.zarr',
  'v3-sharded-zstd.zarr',
  'v3-none.zarr',
  'nc4-deflate.nc',
  'nc3.nc',
];

const peer = spawn(
  flags.python,
  [new URL('cubes-peer.py', import.meta.url).pathname, folder, String(size), String(count)],
  {
    stdio: ['pipe', 'pipe', 'inherit'],
  },
);
const answers = createInterface({ input: peer.stdout })[Symbol.asyncIterator]();
const peerName = (await answers.next()).value;

// A chunk that was decoded before is not decoded again: every reading opens the store anew, on both sides.
async function readOurs(file, t, y, x, edge) {
  const start = performance.now();
  const before = process.cpuUsage();
  const zarr = file.endsWith('.zarr');
  const cube = zarr ? await openZarr(join(folder, file)) : await openNetcdf(join(folder, file));
  const array = cube.arrays.get(zarr ? '' : 'v');
  const { data } = await array.read([
    { start: t, count: 1 },
    { start: y, count: edge },
    { start: x, count: edge },
  ]);
  await cube.close();
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(before);
  return { seconds, used: (user + system) / 1e6, sum: data.reduce((sum, value) => sum + value, 0) };
}

const kinds = {
  slice: () => [0, 0, size],
  'window of 512': (round) => [(round * 211 + 300) % (size - 512), (round * 487 + 100) % (size - 512), 512],
};
const found = new Map();
try {
  for (let round = -3; round < rounds; round++)
    for (const file of files)
      for (const [kind, place] of Object.entries(kinds)) {
        const [y, x, edge] = place(round + 3);
        const t = (round + 3) % count;
        const ours = await readOurs(file, t, y, x, edge);
        peer.stdin.write(`${file} ${t} ${y} ${x} ${edge}\n`);
        const [seconds, used, sum] = (await answers.next()).value.split(' ').map(Number);
        if (sum !== ours.sum) throw new Error(`${file}: the sums differ, ${ours.sum} and ${sum}`);
        if (round < 0) continue; // warms the page cache and the compilers
        const key = `| ${file} | ${kind} |`;
        const entry = found.get(key) ?? found.set(key, { ours: [], peer: [] }).get(key);
        entry.ours.push(ours);
        entry.peer.push({ seconds, used });
      }
} finally {
  peer.stdin.end();
  if (!flags.folder) await rm(folder, { recursive: true });
}

const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];
const text = (seconds) => `${(seconds * 1000).toFixed(1)} ms`;
console.log(
  `${cpus()[0].model}, ${cpus().length} cores, Node ${process.version}, ${peerName}, ${count} x ${size} x ${size} uint16, ${rounds} rounds, medians\n`,
);
console.log(
  '| file | what | ours | Python | ours / Python | processor, ours | processor, Python | ours / Python |\n| --- | --- | --- | --- | --- | --- | --- | --- |',
);
for (const [key, { ours, peer: theirs }] of found) {
  const cells = ['seconds', 'used'].flatMap((name) => {
    const [a, b] = [ours, theirs].map((list) => median(list.map((each) => each[name])));
    return [text(a), text(b), (a / b).toFixed(2)];
  });
  console.log(`${key} ${cells.join(' | ')} |`);
}
