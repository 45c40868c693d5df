// Our UMAP and umap-learn, one after the other on the same tokens: `node umap.mjs TOKENS.npy [--rounds 3] [--options
// '{"maxFitTokens":50000}'] [--python PYTHON | --alone]`. Prints a line a fit, then medians and their ratio. Trust is
// measured on the same 4,000 tokens for both.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { compareReduction } from '@deepearth/reducers/compare';
import { umap } from '@deepearth/reducers/umap';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '3' },
    options: { type: 'string', default: '{}' },
    python: { type: 'string', default: 'python3' },
    alone: { type: 'boolean', default: false },
  },
});
const file = positionals[0];

/** A float32 .npy file of two axes. */
function npy(path) {
  const bytes = readFileSync(path);
  const header = bytes.toString('latin1', 10, 10 + bytes.readUInt16LE(8));
  const shape = /'shape': \((\d+), (\d+)\)/.exec(header).slice(1).map(Number);
  return { shape, data: new Float32Array(bytes.buffer, bytes.byteOffset + 10 + header.length, shape[0] * shape[1]) };
}

const { shape, data } = npy(file);
const channels = shape[1];
const options = { channels, ...JSON.parse(values.options) };
const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];
const trustOf = async (y) => (await compareReduction(data, y, { channels, components: 3 })).trustworthiness;

const saved = join(tmpdir(), 'umap-peer-embedding.npy');
const peer = values.alone
  ? undefined
  : spawn(values.python, [fileURLToPath(new URL('umap-peer.py', import.meta.url)), file, '--serve', '--save', saved], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
const lines = peer && createInterface({ input: peer.stdout })[Symbol.asyncIterator]();
const said = async () => JSON.parse((await lines.next()).value);
if (peer) console.log(JSON.stringify({ peer: 'warm-up', ...(await said()) }));

const times = { ours: [], theirs: [], oursCpu: [], theirsCpu: [] };
const trust = {};
for (let round = 0; round < Number(values.rounds); round++) {
  let last = performance.now();
  let longest = 0;
  const timer = setInterval(() => {
    longest = Math.max(longest, performance.now() - last - 2);
    last = performance.now();
  }, 2);
  const cpu = process.cpuUsage();
  const begun = performance.now();
  const { embedding, model } = await umap(data, options);
  const seconds = (performance.now() - begun) / 1000;
  const spent = process.cpuUsage(cpu);
  clearInterval(timer);
  times.ours.push(seconds);
  times.oursCpu.push((spent.user + spent.system) / 1e6);
  console.log(
    JSON.stringify({
      ours: seconds,
      cpu: times.oursCpu.at(-1),
      longestPauseMs: Math.round(longest),
      rssMb: Math.round(process.resourceUsage().maxRSS / 1024),
      ...model.facts,
    }),
  );
  await model.close();
  if (round === 0) trust.ours = embedding;
  if (!peer) continue;
  peer.stdin.write('fit\n');
  const facts = await said();
  times.theirs.push(facts.seconds);
  times.theirsCpu.push(facts.cpu);
  console.log(JSON.stringify({ theirs: facts.seconds, cpu: facts.cpu, rssMb: Math.round(facts.rss_mb) }));
}
const result = {
  tokens: shape[0],
  channels,
  ours: median(times.ours),
  oursCpu: median(times.oursCpu),
  trust: await trustOf(trust.ours),
};
if (peer) {
  peer.stdin.end();
  await once(peer, 'close');
  Object.assign(result, {
    theirs: median(times.theirs),
    theirsCpu: median(times.theirsCpu),
    theirTrust: await trustOf(npy(saved).data),
  });
  result.ratio = result.theirs / result.ours;
}
console.log(JSON.stringify(result));
