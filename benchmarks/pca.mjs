// Our PCA(3), fit and transform, beside scikit-learn's on the same tokens: `node pca.mjs TOKENS.npy [--rounds 5]
// [--python PYTHON | --alone]`. The two take turns; a line a round, then medians and ratios, of wall time and of
// processor time (which a busy machine disturbs less).
import { spawn } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { pca } from '@deepearth/reducers/pca';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '5' },
    python: { type: 'string', default: 'python3' },
    alone: { type: 'boolean', default: false },
  },
});

/** A .npy file of two axes. */
async function npy(path, type) {
  const bytes = await readFile(path);
  const header = bytes.toString('latin1', 10, 10 + bytes.readUInt16LE(8));
  const shape = /'shape': \((\d+), (\d+)\)/.exec(header).slice(1).map(Number);
  const start = 10 + header.length;
  return {
    shape,
    data: new type(
      bytes.buffer.slice(
        bytes.byteOffset + start,
        bytes.byteOffset + start + shape[0] * shape[1] * type.BYTES_PER_ELEMENT,
      ),
    ),
  };
}

const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];
const { shape, data } = await npy(positionals[0], Float32Array);
const [rows, channels] = shape;
const saved = join(tmpdir(), `pca-exact-${process.pid}.npy`);
const peer = values.alone
  ? undefined
  : spawn(values.python, [fileURLToPath(new URL('pca-peer.py', import.meta.url)), positionals[0], '--exact', saved], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
const lines = peer && createInterface({ input: peer.stdout })[Symbol.asyncIterator]();
const said = async () => JSON.parse((await lines.next()).value);
if (peer) await said();
const exact = peer && (await npy(saved, Float64Array)).data;

const solvers = ['auto', 'covariance_eigh'];
const seconds = { ours: [], ...Object.fromEntries(solvers.map((solver) => [solver, []])) };
const cpu = { ours: [], ...Object.fromEntries(solvers.map((solver) => [solver, []])) };
for (let round = 0; round <= Number(values.rounds); round++) {
  let last = performance.now();
  let longest = 0;
  const timer = setInterval(() => {
    longest = Math.max(longest, performance.now() - last - 2);
    last = performance.now();
  }, 2);
  const before = process.cpuUsage();
  const begun = performance.now();
  const model = await pca(data, { channels });
  const fitted = performance.now();
  await model.transform(data);
  const ended = performance.now();
  const spent = process.cpuUsage(before);
  clearInterval(timer);
  const line = {
    rows,
    fit: (fitted - begun) / 1000,
    seconds: (ended - begun) / 1000,
    cpu: (spent.user + spent.system) / 1e6,
    longestPauseMs: Math.round(longest),
    rssMb: Math.round(process.resourceUsage().maxRSS / 1024),
  };
  if (exact) line.difference = exact.reduce((most, value, i) => Math.max(most, Math.abs(value - model.loadings[i])), 0);
  console.log(JSON.stringify({ ours: line }));
  for (const solver of peer ? solvers : []) {
    peer.stdin.write(`${solver}\n`);
    const theirs = await said();
    console.log(JSON.stringify(theirs));
    if (round > 0) {
      seconds[solver].push(theirs.seconds);
      cpu[solver].push(theirs.cpu);
    }
  }
  // The first round starts the worker and loads ONNX Runtime, as theirs loads its libraries: it is shown, not counted.
  if (round > 0) {
    seconds.ours.push(line.seconds);
    cpu.ours.push(line.cpu);
  }
}
const summary = { rows, channels, seconds: median(seconds.ours), cpu: median(cpu.ours) };
for (const solver of peer ? solvers : []) {
  summary[solver] = {
    seconds: median(seconds[solver]),
    cpu: median(cpu[solver]),
    ratio: median(seconds.ours) / median(seconds[solver]),
    cpuRatio: median(cpu.ours) / median(cpu[solver]),
  };
}
console.log(JSON.stringify(summary, null, 1));
peer?.stdin.end();
await rm(saved, { force: true });
