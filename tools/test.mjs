// Runs the tests of all projects through Nx, which skips those whose inputs have not changed, and adds up their counts:
// node tools/test.mjs [OPTIONS OF nx run-many]
// The last line is "N passed, N failed, N skipped". A project without counts (its build or its test run broke) counts as
// one failure.

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const options = process.argv.slice(2);
const read = (path) => (existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined);

/** The folders of all projects that have tests, relative to the repository. */
const projects = [
  ...['packages', 'apps']
    .flatMap((parent) => readdirSync(join(root, parent)).map((name) => `${parent}/${name}`))
    .filter((folder) => read(join(root, folder, 'package.json'))?.scripts?.test),
  ...readdirSync(root).filter((folder) => read(join(root, folder, 'project.json'))?.targets?.test),
];
const summary = (folder) => join(root, folder, 'test-results/summary.json');

// Counts of an earlier run are not those of this one; Nx puts back the counts of what it takes from its cache.
for (const folder of projects) rmSync(summary(folder), { force: true });
const nx = spawnSync(
  process.execPath,
  [join(root, 'node_modules/nx/dist/bin/nx.js'), 'run-many', '-t', 'test', '--outputStyle=static', ...options],
  { cwd: root, stdio: 'inherit' },
);

const some = options.some((option) => /^(-p|--projects|--exclude)\b/.test(option));
const total = { passed: 0, failed: 0, skipped: 0 };
for (const folder of projects) {
  const counts = read(summary(folder));
  if (!counts && some) continue;
  if (!counts) console.log(`Failed: ${folder}: the tests did not run to their end`);
  for (const failure of counts?.failures ?? []) console.log(`Failed: ${folder}: ${failure}`);
  for (const key of Object.keys(total)) total[key] += counts ? counts[key] : key === 'failed' ? 1 : 0;
}
if (nx.status !== 0 && total.failed === 0) total.failed = 1;
process.exitCode = total.failed > 0 ? 1 : 0;
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
