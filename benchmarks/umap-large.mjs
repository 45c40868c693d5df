// UMAP of many tokens that no memory holds: `node umap-large.mjs TOKENS.npy COUNT [--options '{}']` tiles the tokens of
// a file up to COUNT, adds seeded noise, and streams them.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { umap } from '@deepearth/reducers/umap';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { options: { type: 'string', default: '{}' } },
});
const bytes = readFileSync(positionals[0]);
const count = Number(positionals[1]);
const header = bytes.toString('latin1', 10, 10 + bytes.readUInt16LE(8));
const channels = Number(/'shape': \(\d+, (\d+)\)/.exec(header)[1]);
const rows = new Float32Array(bytes.buffer, bytes.byteOffset + 10 + header.length);
const held = rows.length / channels;
const table = new Float32Array(1 << 16);
let state = 1;
for (let i = 0; i < table.length; i++)
  table[i] = (((state = (Math.imul(state, 1664525) + 1013904223) | 0) >>> 8) / 2 ** 24 - 0.5) * 0.4;

const chunkRows = 4096;
const source = {
  count,
  async *chunks() {
    const chunk = new Float32Array(chunkRows * channels);
    for (let first = 0; first < count; first += chunkRows) {
      const here = Math.min(chunkRows, count - first);
      for (let i = 0; i < here; i++) {
        const row = (first + i) % held;
        const shift = Math.imul(first + i, 40503) & 65535;
        for (let c = 0; c < channels; c++)
          chunk[i * channels + c] = rows[row * channels + c] + table[(c + shift) & 65535];
        if (i % 512 === 511) await new Promise(setImmediate);
      }
      yield chunk.subarray(0, here * channels);
    }
  },
};

const begun = performance.now();
const cpu = process.cpuUsage();
let said = 0;
const { embedding, model } = await umap(source, {
  channels,
  ...JSON.parse(values.options),
  progress(step, done, total) {
    if (performance.now() - said < 5000) return;
    said = performance.now();
    process.stderr.write(
      `${((said - begun) / 1000).toFixed(0)} s ${step} ${done}/${total}, ${(process.memoryUsage.rss() / 1e6).toFixed(0)} MB\n`,
    );
  },
});
const spent = process.cpuUsage(cpu);
console.log(
  JSON.stringify({
    tokens: count,
    channels,
    seconds: (performance.now() - begun) / 1000,
    cpu: (spent.user + spent.system) / 1e6,
    peakRssMb: Math.round(process.resourceUsage().maxRSS / 1024),
    withoutTheFileMb: Math.round(process.resourceUsage().maxRSS / 1024 - bytes.length / 2 ** 20),
    finite: embedding.every(Number.isFinite),
    ...model.facts,
  }),
);
await model.close();
