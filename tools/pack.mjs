// Puts what is published of each package into dist/packages/NAME: node tools/pack.mjs
// That is the built code (run `npm run build` first), README, LICENSE and a package.json without what only this
// repository needs: the condition "@deepearth/source", scripts, development dependencies. `npm pack` and
// `npm publish` run there. docs/decisions/531-packages-are-packed-aside.md has the reasons.

import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { packageNames } from './package-exports.mjs';

const root = join(import.meta.dirname, '..');

/** A value of `exports` without the condition that leads to sources. */
const published = (exports) =>
  Object.fromEntries(
    Object.entries(exports).map(([subpath, entry]) => {
      if (typeof entry === 'string') return [subpath, entry];
      const { '@deepearth/source': _, ...conditions } = entry;
      return [subpath, conditions];
    }),
  );

/** The repository, where the workflow that publishes says which it is: provenance needs it. */
function repository(name) {
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: path } = process.env;
  if (!server || !path) return {};
  return { repository: { type: 'git', url: `git+${server}/${path}.git`, directory: `packages/${name}` } };
}

/** Whether a file of dist is the output of a source that is still there and is no test. */
function belongs(source, path) {
  const stem = /^(.*?)\.(?:js|js\.map|d\.ts)$/.exec(path)?.[1];
  return stem !== undefined && !/\.test$/.test(stem) && existsSync(join(source, `${stem}.ts`));
}

/** Packs one package aside and returns its folder. */
export function pack(name) {
  const from = join(root, 'packages', name);
  const to = join(root, 'dist/packages', name);
  rmSync(to, { recursive: true, force: true });
  mkdirSync(to, { recursive: true });
  const { scripts: _, devDependencies: __, nx: ___, ...kept } = JSON.parse(readFileSync(join(from, 'package.json')));
  const files = kept.files.filter((file) => file !== 'src' && !file.startsWith('!'));
  const manifest = { ...kept, ...repository(name), files, exports: published(kept.exports) };
  writeFileSync(join(to, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  cpSync(join(root, 'LICENSE'), join(to, 'LICENSE'));
  // check-packages.mjs says when it is missing.
  if (existsSync(join(from, 'README.md'))) cpSync(join(from, 'README.md'), join(to, 'README.md'));
  for (const folder of files.filter((file) => file !== 'dist'))
    cpSync(join(from, folder), join(to, folder), { recursive: true });
  for (const path of readdirSync(join(from, 'dist'), { recursive: true, encoding: 'utf8' })) {
    if (!belongs(join(from, 'src'), path)) continue;
    mkdirSync(dirname(join(to, 'dist', path)), { recursive: true });
    cpSync(join(from, 'dist', path), join(to, 'dist', path));
  }
  return to;
}

/** Packs one package aside and into a tarball in a folder; returns what `npm pack` says of it, and its folder. */
export function tarball(name, destination) {
  const packed = pack(name);
  const said = execFileSync('npm', ['pack', '--json', '--silent', '--pack-destination', destination], {
    cwd: packed,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  return { packed, ...Object.values(JSON.parse(said))[0] };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) for (const name of packageNames()) pack(name);
