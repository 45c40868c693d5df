// Times reading of windows of a tiled GeoTIFF, window by window next to rasterio in Python. Needs 1 GB of disk for one
// band.
//
//   node benchmarks/eo.mjs --python PYTHON [--bands 1] [--size 10000] [--edge 512] [--rounds 15] [--folder FOLDER]

import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { openGeoTiff } from '@deepearth/eo';

const { values: flags } = parseArgs({
  options: {
    python: { type: 'string' },
    bands: { type: 'string', default: '1' },
    size: { type: 'string', default: '10000' },
    edge: { type: 'string', default: '512' },
    rounds: { type: 'string', default: '15' },
    folder: { type: 'string' },
  },
});
if (!flags.python) throw new Error('name a Python that has rasterio: --python PYTHON');
const [size, edge, rounds] = [Number(flags.size), Number(flags.edge), Number(flags.rounds)];
const folder = flags.folder ?? (await mkdtemp(join(tmpdir(), 'eo-')));
const files = ['none', 'deflate', 'deflate-p2', 'lzw', 'lzw-p2', 'zstd-p2'].map((name) => `${name}-${flags.bands}.tif`);

const peer = spawn(flags.python, [new URL('eo-peer.py', import.meta.url).pathname, folder, String(size), flags.bands], {
  stdio: ['pipe', 'pipe', 'inherit'],
});
const answers = createInterface({ input: peer.stdout })[Symbol.asyncIterator]();
const peerName = (await answers.next()).value;
const times = Object.fromEntries(files.map((file) => [file, { ours: [], peer: [] }]));

async function readOurs(file, x, y) {
  const start = performance.now();
  const raster = await openGeoTiff(join(folder, file));
  const { bands } = await raster.read({ window: { x, y, width: edge, height: edge } });
  await raster.close();
  const seconds = (performance.now() - start) / 1000;
  return { seconds, sum: bands.reduce((total, band) => total + band.reduce((sum, value) => sum + value, 0), 0) };
}

try {
  for (let round = -3; round < rounds; round++)
    for (const file of files) {
      // Windows that lie across four tiles, another place in each round.
      const [x, y] = [3, 7].map((step) => ((round + 3) * step * 517 + 200) % (size - edge));
      const ours = await readOurs(file, x, y);
      peer.stdin.write(`${file} ${x} ${y} ${edge}\n`);
      const [seconds, sum] = (await answers.next()).value.split(' ').map(Number);
      if (sum !== ours.sum) throw new Error(`${file} at (${x}, ${y}): the sums differ, ${ours.sum} and ${sum}`);
      if (round < 0) continue; // warms the page cache and the compilers
      times[file].ours.push(ours.seconds);
      times[file].peer.push(seconds);
    }
} finally {
  peer.stdin.end();
  if (!flags.folder) await rm(folder, { recursive: true });
}

const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];
const text = (seconds) => `${(seconds * 1000).toFixed(1)} ms`;
console.log(
  `${cpus()[0].model}, Node ${process.version}, ${peerName}, ${edge} x ${edge} pixels of ${size} x ${size} uint16, bands: ${flags.bands}, ${rounds} rounds, medians\n`,
);
console.log('| file | ours | rasterio | ours / rasterio |\n| --- | --- | --- | --- |');
for (const [file, { ours, peer: theirs }] of Object.entries(times))
  console.log(
    `| ${file} | ${text(median(ours))} | ${text(median(theirs))} | ${(median(ours) / median(theirs)).toFixed(2)} |`,
  );
