// Prints what test results depend on beside the repository: node tools/test-environment.mjs
// Nx runs this and reruns tests when the output differs (nx.json, input "testing").

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { chromiumPath } from './chromium.mjs';

const root = join(import.meta.dirname, '..');

/** A digest of the names, sizes and times of the files of a folder; 'absent' where there is no such folder. */
function listing(folder) {
  if (!existsSync(folder)) return 'absent';
  const digest = createHash('sha256');
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()) {
    const { size, mtimeMs } = statSync(join(folder, name), { throwIfNoEntry: false }) ?? {};
    digest.update(`${name}\0${size}\0${mtimeMs}\n`);
  }
  return digest.digest('hex');
}

const version = (command, ...args) => spawnSync(command, args, { encoding: 'utf8' }).stdout?.trim() || 'absent';
const variables = Object.entries(process.env)
  .filter(([name]) => /^(DEEPEARTH_|CUDA_VISIBLE_DEVICES$|HF_)/.test(name))
  .sort();

console.log(`node ${process.version} ${process.platform} ${process.arch}`);
console.log(`browser ${chromiumPath ?? 'absent'}`);
console.log(`ffmpeg ${version('ffmpeg', '-version').split('\n')[0]}`);
for (const command of ['python3', '/usr/bin/python3', 'python'])
  console.log(`${command} numpy ${version(command, '-c', 'import numpy; print(numpy.__version__)')}`);
for (const name of ['reference', 'data', 'field'])
  console.log(`../shared/${name} ${listing(join(root, '../shared', name))}`);
console.log(JSON.stringify(variables));
