// Writes what a release is made of to dist/sbom.cdx.json, in CycloneDX: node tools/sbom.mjs [FILE]
// npm lists it by package-lock.json alone, without a network. What differs from call to call or from folder to folder
// is left out or replaced, so that the same lock file gives the same bytes under the same npm.

import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const root = join(import.meta.dirname, '..');

/** Names and versions of what the lock file has for more than development, and of the packages here. */
const passedOn = ({ packages }) =>
  new Set(
    Object.entries(packages).flatMap(([path, { name, version, dev, link }]) => {
      const installed =
        path === '' ? undefined : (name ?? /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)$/.exec(path)?.[1]);
      return installed === undefined || dev || link ? [] : [`${installed}@${version}`];
    }),
  );

/**
 * The list that npm makes without its moment, its random number and what only development needs. npm's own `--omit dev`
 * leaves out what one package needs to run and another to be developed. Names are those of packages, not of their
 * folders.
 */
export function listOf({ serialNumber: _, metadata: { timestamp: __, ...metadata }, ...list }, lock) {
  const kept = passedOn(lock);
  const named = (component) => ({ ...component, name: component['bom-ref'].replace(/(?<=.)@[^@]*$/, '') });
  return {
    ...list,
    metadata: { ...metadata, component: named(metadata.component) },
    components: list.components.filter((each) => kept.has(each['bom-ref'])).map(named),
    dependencies: list.dependencies
      .filter(({ ref }) => kept.has(ref) || ref === metadata.component['bom-ref'])
      .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((each) => kept.has(each)) })),
  };
}

/** The list of components of what is installed with the packages. */
export function sbom() {
  const text = execFileSync(
    'npm',
    ['sbom', '--sbom-format', 'cyclonedx', '--sbom-type', 'application', '--package-lock-only'],
    { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28, shell: process.platform === 'win32' },
  );
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  const list = listOf(JSON.parse(text), lock);
  if (list.bomFormat !== 'CycloneDX' || list.components.length < passedOn(lock).size)
    throw new Error(`npm lists ${list.components.length} components of ${passedOn(lock).size}`);
  return list;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const to = resolve(process.argv[2] ?? join(root, 'dist/sbom.cdx.json'));
  const list = sbom();
  mkdirSync(dirname(to), { recursive: true });
  writeFileSync(to, `${JSON.stringify(list, null, 2)}\n`);
  console.log(`${list.components.length} components in ${to}`);
}
