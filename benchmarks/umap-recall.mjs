// How many true neighbours the quick searches find among all tokens: `node umap-recall.mjs TOKENS.npy` compares them
// with the float32 search.
import { readFileSync } from 'node:fs';
import { openEngine } from '../packages/reducers/dist/umap/engine.js';
import { findNeighbours, prepareRows } from '../packages/reducers/dist/umap/fit.js';
import { settle } from '../packages/reducers/dist/umap/options.js';
import { planMemory } from '../packages/reducers/dist/umap/plan.js';

const bytes = readFileSync(process.argv[2]);
const header = bytes.toString('latin1', 10, 10 + bytes.readUInt16LE(8));
const channels = Number(/'shape': \(\d+, (\d+)\)/.exec(header)[1]);
const tokens = new Float32Array(bytes.buffer, bytes.byteOffset + 10 + header.length);
const k = 15;

async function neighbours(search) {
  const options = settle({ channels, search });
  const plan = planMemory({ rows: tokens.length / channels, channels, neighbors: k, components: 3, threads: 2 });
  const engine = await openEngine({ bytes: plan.end, threads: 2 });
  try {
    await engine.writeRows(plan.tokens, tokens, channels, plan.stride);
    await prepareRows(engine, plan, options, {}, (row) => row);
    await findNeighbours(engine, plan, options, {});
    return new Uint32Array((await engine.read(plan.neighbours, plan.rows * k)).buffer);
  } finally {
    await engine.close();
  }
}

const truth = await neighbours('float32');
for (const search of ['axes', 'int8']) {
  const found = await neighbours(search);
  let missed = 0;
  for (let at = 0; at < truth.length; at += k) {
    const own = new Set(found.subarray(at, at + k));
    for (let i = 0; i < k; i++) if (!own.has(truth[at + i])) missed++;
  }
  console.log(
    JSON.stringify({ search, tokens: truth.length / k, missed, recall: 1 - missed / ((truth.length / k) * (k - 1)) }),
  );
}
