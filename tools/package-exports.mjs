// Writes the `exports` of every package: node tools/package-exports.mjs [--check]
// A package exports its index, the file of each of its stages, and what anything else in the repository (packages, the
// command line, examples, benchmarks, tools, documents) imports from it; nothing else can be imported.
// A subpath is the path of its file under src, unless package.json already gives it another file: that is kept, and
// found again by its name after a move. docs/decisions/530-explicit-exports.md has the reasons.

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';

const root = join(import.meta.dirname, '..');
const skipped = new Set(['node_modules', 'dist', 'page', 'fixtures', 'test-results', '.git', '.nx', 'site']);

/** The names of the folders under packages/ that hold a package. */
export const packageNames = () =>
  readdirSync(join(root, 'packages'))
    .filter((name) => existsSync(join(root, 'packages', name, 'package.json')))
    .sort();

/** The files under a folder that may hold imports, as absolute paths. */
function* files(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && !skipped.has(entry.name) && !entry.name.endsWith('-output')) yield* files(path);
    else if (entry.isFile() && /\.(ts|mts|js|mjs|md|html)$/.test(entry.name)) yield path;
  }
}

/** The subpaths that are named somewhere in the repository: package name → set of subpaths without a leading slash. */
function namedSubpaths() {
  const named = new Map();
  const quoted = /(["'`])@deepearth\/([a-z0-9-]+)\/([\w./-]+)\1/g;
  for (const path of files(root)) {
    for (const [, , name, subpath] of readFileSync(path, 'utf8').matchAll(quoted)) {
      if (!named.has(name)) named.set(name, new Map());
      const places = named.get(name);
      places.set(subpath, [...(places.get(subpath) ?? []), path.slice(root.length + 1)]);
    }
  }
  return named;
}

/** What the `exports` of a package name now: subpath → path of its file under src, without extension. */
function filesOfExports(name, source) {
  const { exports = {} } = JSON.parse(readFileSync(join(root, 'packages', name, 'package.json'), 'utf8'));
  const result = new Map();
  for (const [subpath, entry] of Object.entries(exports)) {
    const path = /^\.\/src\/(.+)\.ts$/.exec(entry['@deepearth/source'] ?? '')?.[1];
    if (path === undefined || path.includes('*') || subpath === '.') continue;
    if (existsSync(join(source, `${path}.ts`))) result.set(subpath.slice(2), path);
    else {
      const moved = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter(
        (file) => basename(file) === `${basename(path)}.ts`,
      );
      if (moved.length === 1) result.set(subpath.slice(2), moved[0].slice(0, -'.ts'.length).replaceAll('\\', '/'));
    }
  }
  return result;
}

/** The `exports` of all packages: name → value; throws where something is imported that is not there. */
export function packageExports() {
  const named = namedSubpaths();
  const missing = [];
  const result = new Map();
  for (const name of packageNames()) {
    const source = join(root, 'packages', name, 'src');
    const before = filesOfExports(name, source);
    const subpaths = new Map();
    for (const [subpath, places] of named.get(name) ?? []) {
      if (subpath === 'package.json') continue;
      const path = before.get(subpath) ?? (existsSync(join(source, `${subpath}.ts`)) ? subpath : undefined);
      if (path !== undefined) subpaths.set(subpath, path);
      else missing.push(`@deepearth/${name}/${subpath} has no file, and is named in ${places.join(', ')}`);
    }
    const stages = join(source, 'stages.ts');
    if (existsSync(stages))
      for (const [, path] of readFileSync(stages, 'utf8').matchAll(/import\('\.\/([\w./-]+)\.ts'\)/g))
        subpaths.set([...before].find(([, file]) => file === path)?.[0] ?? path, path);
    const entry = (path) => ({
      '@deepearth/source': `./src/${path}.ts`,
      types: `./dist/${path}.d.ts`,
      default: `./dist/${path}.js`,
    });
    result.set(name, {
      ...(existsSync(join(source, 'index.ts')) && { '.': entry('index') }),
      ...Object.fromEntries([...subpaths].sort().map(([subpath, path]) => [`./${subpath}`, entry(path)])),
      './package.json': './package.json',
    });
  }
  if (missing.length > 0) throw new Error(missing.join('\n'));
  return result;
}

/** The packages whose `exports` differ from what they should be: name → text of package.json as it should be. */
export function outdatedPackages() {
  const outdated = new Map();
  for (const [name, exports] of packageExports()) {
    const before = readFileSync(join(root, 'packages', name, 'package.json'), 'utf8');
    const after = `${JSON.stringify({ ...JSON.parse(before), exports }, null, 2)}\n`;
    // The formatter may put a short list on one line; only the exports (and their order) count.
    if (JSON.stringify(JSON.parse(before)) !== JSON.stringify(JSON.parse(after))) outdated.set(name, after);
  }
  return outdated;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const outdated = outdatedPackages();
  for (const [name, text] of outdated) {
    if (process.argv.includes('--check')) {
      console.error(`packages/${name}/package.json: exports are out of date; run node tools/package-exports.mjs`);
      process.exitCode = 1;
    } else writeFileSync(join(root, 'packages', name, 'package.json'), text);
  }
}
