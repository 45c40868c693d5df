// Times the start of `deepearth --help` and `--version` against bare `node -e 0`, interleaved; prints medians and
// ratios.
//
//     node benchmarks/cli-start.mjs [rounds]

import { spawnSync } from 'node:child_process';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';

const rounds = Number(process.argv[2] ?? 40);
const command = fileURLToPath(new URL('../packages/cli/bin/deepearth.js', import.meta.url));
const cases = {
  'node -e 0': ['-e', '0'],
  'deepearth --help': [command, '--help'],
  'deepearth --version': [command, '--version'],
  'deepearth run --help': [command, 'run', '--help'],
};

const times = Object.fromEntries(Object.keys(cases).map((name) => [name, []]));
for (let round = -3; round < rounds; round++)
  for (const [name, args] of Object.entries(cases)) {
    const start = process.hrtime.bigint();
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    const milliseconds = Number(process.hrtime.bigint() - start) / 1e6;
    if (status !== 0) throw new Error(`${name}: exit ${status} ${stderr}`);
    if (round >= 0) times[name].push(milliseconds);
  }

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
const bare = median(times['node -e 0']);
console.log(`${cpus()[0]?.model}, ${cpus().length} cores, Node ${process.versions.node}, ${rounds} rounds`);
for (const [name, values] of Object.entries(times)) {
  const ratios = values.map((value, round) => value / times['node -e 0'][round]);
  console.log(
    `${name.padEnd(22)} median ${median(values).toFixed(1)} ms  least ${Math.min(...values).toFixed(1)} ms  ${(median(values) / bare).toFixed(2)} x bare (median of ratios ${median(ratios).toFixed(2)})`,
  );
}
