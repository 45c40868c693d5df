// Times reading and writing of 1 GiB as safetensors and .pt, round by round next to torch and safetensors in Python.
//
//   node benchmarks/formats.mjs [--python PYTHON] [--rounds 5] [--tensors 256] [--elements 1048576] [--folder FOLDER]

import { spawn } from 'node:child_process';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { openPt, openSafetensors, tensorsOf, writePt, writeSafetensors } from '@deepearth/formats';
import { openFile } from '@deepearth/formats/file-source-node';

const { values: flags } = parseArgs({
  options: {
    python: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    tensors: { type: 'string', default: '256' },
    elements: { type: 'string', default: String(1 << 20) },
    folder: { type: 'string', default: tmpdir() },
  },
});
const [count, size, rounds] = [Number(flags.tensors), Number(flags.elements), Number(flags.rounds)];
const folder = await mkdtemp(join(flags.folder, 'formats-'));
const tensors = Object.fromEntries(
  Array.from({ length: count }, (_, i) => [
    `t${i}`,
    { dtype: 'float32', shape: [size], data: new Float32Array(size).fill(i) },
  ]),
);

async function write(name, chunks) {
  const file = await open(join(folder, name), 'w');
  for await (const chunk of chunks)
    for (let done = 0; done < chunk.byteLength;) done += (await file.write(chunk, done)).bytesWritten;
  await file.close();
}
async function using(name, work) {
  const source = await openFile(join(folder, name));
  try {
    return await work(source);
  } finally {
    await source.close();
  }
}
const readAll = async (lazy) => {
  let sum = 0;
  for (const t of lazy.values()) sum += (await t.read()).data[0];
  return sum;
};
const bytesOf = (t) => new Uint8Array(t.data.buffer);
const jobs = {
  'write safetensors': () =>
    write(
      'ours.safetensors',
      writeSafetensors(
        Object.entries(tensors).map(([name, t]) => ({
          name,
          dtype: t.dtype,
          shape: t.shape,
          chunks: () => [bytesOf(t)],
        })),
      ),
    ),
  'read safetensors': () =>
    using('ours.safetensors', async (source) => readAll((await openSafetensors(source)).tensors)),
  'open safetensors': () => using('ours.safetensors', async (source) => (await openSafetensors(source)).tensors.size),
  'write pt': () => write('ours.pt', writePt(tensors)),
  'read pt': () => using('ours.pt', async (source) => readAll(tensorsOf((await openPt(source)).value))),
  'open pt': () => using('ours.pt', async (source) => tensorsOf((await openPt(source)).value).size),
};

const peer =
  flags.python &&
  spawn(flags.python, [new URL('formats-peer.py', import.meta.url).pathname, count, size, folder], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
const answers = peer && createInterface({ input: peer.stdout })[Symbol.asyncIterator]();
const peerName = answers && (await answers.next()).value;
const times = Object.fromEntries(Object.keys(jobs).map((job) => [job, { ours: [], peer: [] }]));
try {
  for (let round = 0; round <= rounds; round++) {
    for (const [job, work] of Object.entries(jobs)) {
      const start = performance.now();
      await work();
      const ours = (performance.now() - start) / 1000;
      let theirs;
      if (peer) {
        peer.stdin.write(`${job}\n`);
        theirs = Number((await answers.next()).value);
      }
      if (round === 0) continue; // warms the page cache and the compilers
      times[job].ours.push(ours);
      times[job].peer.push(theirs);
    }
  }
} finally {
  peer?.stdin.end();
  await rm(folder, { recursive: true });
}

const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];
const text = (seconds) => (seconds < 0.1 ? `${(seconds * 1000).toFixed(1)} ms` : `${seconds.toFixed(2)} s`);
console.log(
  `${cpus()[0].model}, Node ${process.version}${peerName ? `, ${peerName}` : ''}, ${count} float32 tensors of ${size}, ${rounds} rounds, peak RSS ${Math.round(process.resourceUsage().maxRSS / 1024)} MiB (of which tensors ${(count * size * 4) / 2 ** 20})`,
);
console.log(`| | ours | ${peer ? 'Python | ours / Python |' : ''}`);
for (const [job, { ours, peer: theirs }] of Object.entries(times))
  console.log(
    `| ${job} | ${text(median(ours))} | ${peer ? `${text(median(theirs))} | ${(median(ours) / median(theirs)).toFixed(2)} |` : ''}`,
  );
