// Runs the tests of all projects through Nx, which skips those whose inputs have not changed, and adds up their counts:
// node tools/test.mjs [OPTIONS OF nx run-many]
// node tools/test.mjs --beside: after a run with nothing beside the repository, runs the test files that compare with
// data beside it, which lies there now, and adds the counts that the others had in that run. The last line is "N
// passed, N failed, N skipped". A project without counts (its build or its test run broke) counts as one failure.

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
const countsOf = (folder) => read(join(root, folder, 'test-results/summary.json'));

/**
 * The test files of a project that read what lies beside the repository, relative to the project; those that need
 * PyTorch for that, too, are long, and no set-up installs it.
 */
const besideOf = (folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts') && !name.includes('node_modules'))
    .filter((name) => {
      const text = readFileSync(join(root, folder, name), 'utf8');
      return /\.\.\/shared\/(data|field|reference)/.test(text) && !text.includes('import torch');
    });

const beside = options[0] === '--beside' && options.shift() !== undefined;
const before = new Map(projects.map((folder) => [folder, countsOf(folder)]));
const again = new Map(beside ? projects.map((folder) => [folder, besideOf(folder)]) : []);
const env = { ...process.env };
if (beside) {
  const files = [...again].flatMap(([folder, names]) => names.map((name) => `${folder}/${name}`));
  env.DEEPEARTH_TEST_FILES = files.join(' ');
  options.push('-p', projects.filter((folder) => again.get(folder).length).join(','));
}

// Counts of an earlier run are not those of this one; Nx puts back the counts of what it takes from its cache.
for (const folder of projects) rmSync(join(root, folder, 'test-results/summary.json'), { force: true });
const nx = spawnSync(
  process.execPath,
  [join(root, 'node_modules/nx/dist/bin/nx.js'), 'run-many', '-t', 'test', '--outputStyle=static', ...options],
  { cwd: root, stdio: 'inherit', env },
);

/** The counts that a project had before without those of the files that ran again; what failed then has failed. */
function othersOf(folder) {
  const counts = before.get(folder);
  if (!counts) return undefined;
  const { passed, failed, skipped, failures } = counts;
  const others = {
    passed,
    failed,
    skipped,
    failures: failures.map((failure) => `${failure} (with nothing beside it)`),
  };
  for (const name of again.get(folder)) {
    others.passed -= counts.files[name]?.passed ?? 0;
    others.skipped -= counts.files[name]?.skipped ?? 0;
  }
  return others;
}

const some = options.some((option) => /^(-p|--projects|--exclude)\b/.test(option));
const total = { passed: 0, failed: 0, skipped: 0 };
const add = (folder, counts) => {
  if (!counts) console.log(`Failed: ${folder}: the tests did not run to their end`);
  for (const failure of counts?.failures ?? []) console.log(`Failed: ${folder}: ${failure}`);
  for (const key of Object.keys(total)) total[key] += counts ? counts[key] : key === 'failed' ? 1 : 0;
};
for (const folder of projects) {
  const counts = countsOf(folder);
  if (counts || (beside ? again.get(folder).length : !some)) add(folder, counts);
  if (beside) add(folder, othersOf(folder));
}
if (nx.status !== 0 && total.failed === 0) total.failed = 1;
process.exitCode = total.failed > 0 ? 1 : 0;
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
