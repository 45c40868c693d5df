// Checks the tarballs of all packages the way npm users get them: node tools/check-packages.mjs
// `npm pack` of each (see pack.mjs), the list of what is in it, publint, and whether types resolve (the checks of
// arethetypeswrong.github.io) for every export under Node's and the bundlers' resolution of ES modules.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { problemKindInfo } from '@arethetypeswrong/core/problems';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { packageNames } from './package-exports.mjs';
import { tarball } from './pack.mjs';

/** These packages are ES modules only: `require` and the resolution of TypeScript before 4.7 are not promised. */
const modes = ['node16-esm', 'bundler'];

/** What is wrong with the list of a tarball's files. */
function wrongFiles(paths) {
  const unwanted = paths.filter(
    (path) => /\.tsbuildinfo$|\.test\.|^src\/|(^|\/)(testing|fixtures)\//.test(path) || /(?<!\.d)\.ts$/.test(path),
  );
  const missing = ['LICENSE', 'README.md', 'package.json'].filter((path) => !paths.includes(path));
  return [...unwanted.map((path) => `holds ${path}`), ...missing.map((path) => `lacks ${path}`)];
}

/** What is wrong with how types resolve. */
async function wrongTypes(tarball) {
  const { problems, types } = await checkPackage(createPackageFromTarballData(new Uint8Array(readFileSync(tarball))));
  if (!types) return ['has no types'];
  return problems
    .filter(({ resolutionKind }) => resolutionKind === undefined || modes.includes(resolutionKind))
    .map(({ kind, entrypoint, resolutionKind }) =>
      [entrypoint, resolutionKind, problemKindInfo[kind].description].filter(Boolean).join(': '),
    );
}

const folder = mkdtempSync(join(tmpdir(), 'check-packages-'));
let wrong = 0;
try {
  for (const name of packageNames()) {
    const { packed, filename, files, size } = tarball(name, folder);
    const { messages, pkg } = await publint({ pkgDir: packed, strict: true, pack: false });
    const found = [
      ...wrongFiles(files.map(({ path }) => path)),
      ...messages.map((message) => formatMessage(message, pkg, { color: false })),
      ...(await wrongTypes(join(folder, filename))),
    ];
    wrong += found.length;
    console.log(`@deepearth/${name}: ${files.length} files, ${Math.ceil(size / 1024)} KiB`);
    for (const line of found) console.log(`  ${line}`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(wrong === 0 ? 'nothing is wrong with the packages' : `${wrong} things are wrong with the packages`);
process.exitCode = wrong === 0 ? 0 : 1;
