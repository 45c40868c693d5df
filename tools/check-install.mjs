// Installs the packed packages into an empty project, and uses them there: node tools/check-install.mjs
// The demo runs through the command line, and a program that imports every export is type-checked without the DOM
// library and with declaration files included. Third-party packages come from npm's cache or its registry.

import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageNames } from './package-exports.mjs';
import { tarball } from './pack.mjs';

const root = join(import.meta.dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'check-install-'));
const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
// The file with binaries for CUDA is large, and nothing here uses it.
const env = { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' };

/** Runs a command in the empty project and returns what it printed; throws when it fails and is not allowed to. */
function run(command, args, { mayFail = false } = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd: folder,
    env,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
    shell: process.platform === 'win32',
  });
  if (error) throw error;
  if (status !== 0 && !mayFail)
    throw new Error(`${command} ${args.join(' ')} ended with ${status}\n${stdout}${stderr}`);
  return stdout;
}

/** The compiler's options that a user's project may have: Node's own resolution, or a bundler's. */
const resolutions = {
  node16: { module: 'node16', moduleResolution: 'node16' },
  bundler: { module: 'esnext', moduleResolution: 'bundler' },
};

/** A program that imports every export of every package and uses some. */
function program() {
  const names = packageNames().flatMap((name) =>
    Object.keys(JSON.parse(readFileSync(join(root, 'packages', name, 'package.json'), 'utf8')).exports)
      .filter((subpath) => !subpath.endsWith('.json'))
      .map((subpath) => `@deepearth/${name}${subpath.slice(1)}`),
  );
  return [
    ...names.map((name, index) => `import * as module${index} from '${name}';`),
    `import { definePipeline, use } from '@deepearth/core';`,
    `import { run } from '@deepearth/runtime';`,
    `import { synthetic } from '@deepearth/sources/synthetic';`,
    `import { sliding } from '@deepearth/windowers/sliding';`,
    `export const modules: readonly object[] = [${names.map((_, index) => `module${index}`).join(', ')}];`,
    `const pipeline = definePipeline([use(synthetic, { count: 16 }), use(sliding)]);`,
    `const { events$, result } = run(pipeline, { output: 'typed' });`,
    `events$.subscribe((event) => void (event.type satisfies string));`,
    `const { manifest } = await result;`,
    `console.log(manifest.status satisfies string);`,
    '',
  ].join('\n');
}

let wrong = 0;
try {
  const tarballs = packageNames().map((name) => [`@deepearth/${name}`, `file:./${tarball(name, folder).filename}`]);
  const tools = ['typescript', '@types/node', 'vitest'].map((name) => [name, devDependencies[name]]);
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ private: true, type: 'module', dependencies: Object.fromEntries([...tarballs, ...tools]) }),
  );
  run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', '--no-package-lock']);
  console.log(`installed ${tarballs.length} packages into an empty project`);

  cpSync(join(root, 'examples/demo.yaml'), join(folder, 'demo.yaml'));
  run('npx', ['deepearth', 'run', 'demo.yaml', '--set', 'frames.with.count=16', '--output', 'out']);
  const { status, outputs } = JSON.parse(readFileSync(join(folder, 'out/manifest.json'), 'utf8'));
  if (status !== 'done' || outputs.length === 0) throw new Error(`the demo ended as "${status}"`);
  console.log(`the demo ran there and wrote ${outputs.length} files`);
  run('npx', ['deepearth', 'explore', 'out', '--export', 'site']);
  for (const file of ['index.html', 'app.js', 'data/index.json'])
    if (!existsSync(join(folder, 'site', file))) throw new Error(`the exported page has no ${file}`);
  console.log('its results were exported as a page');

  writeFileSync(join(folder, 'program.ts'), program());
  for (const [name, resolution] of Object.entries(resolutions)) {
    const compilerOptions = {
      ...{ target: 'es2022', lib: ['es2023', 'esnext.disposable'], types: ['node'], strict: true },
      ...{ noEmit: true, skipLibCheck: false, exactOptionalPropertyTypes: true },
      ...resolution,
    };
    writeFileSync(join(folder, `tsconfig.${name}.json`), JSON.stringify({ compilerOptions, files: ['program.ts'] }));
    const said = run('npx', ['tsc', '-p', `tsconfig.${name}.json`, '--pretty', 'false'], { mayFail: true });
    const errors = said.split('\n').filter((line) => /error TS\d+/.test(line));
    for (const line of errors) console.log(`  ${line}`);
    console.log(`types under ${name}: ${errors.length} errors`);
    wrong += errors.length;
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = wrong === 0 ? 0 : 1;
