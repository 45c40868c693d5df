// Checks licences and install scripts of what npm installs, by package-lock.json alone: node tools/check-licences.mjs
// What is listed here is listed with its reason; anything else fails. docs/decisions/537-licences-and-scripts.md.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Licences that ask for no more than that their text is kept. */
const permissive = new Set([
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'CC0-1.0',
  'ISC',
  'MIT',
  'Python-2.0',
  'Unlicense',
  'Zlib',
]);

/** Packages under other licences: a pattern of their names, the licences, and why they are taken. */
const exceptions = [
  {
    name: /^@img\/sharp-(libvips-[a-z0-9-]+|win32-[a-z0-9]+|wasm32|freebsd-wasm32|webcontainers-wasm32)$/,
    licences: ['LGPL-3.0-or-later'],
    // A package that is required would be another matter.
    optional: true,
    reason: 'libvips as a shared library in an optional package of its own, which users may replace with another build',
  },
  {
    name: /^h5wasm$/,
    licences: ['SEE LICENSE IN LICENSE.txt'],
    reason:
      "software of NIST, a United States agency: not subject to copyright there, free to use, change and pass on with its notice; the HDF5 library in it is under the HDF Group's BSD licence",
  },
  {
    name: /^lightningcss(-[a-z0-9-]+)?$/,
    licences: ['MPL-2.0'],
    reason: 'a tool of Vite, which comes with vitest, the peer of @deepearth/testing; none of it is in what we ship',
  },
];

/** Packages whose install script npm may know of, and why. None of them has to run. */
const scripts = new Map([
  ['esbuild', 'checks the binary that its optional package brings; a tool for development'],
  [
    'msgpackr-extract',
    'looks for the binary that its optional package brings; msgpackr, which BullMQ packs its commands with, works without',
  ],
  ['nx', 'prints a notice and checks its binary; a tool for development'],
]);

/** Whether an SPDX expression is met by licences that `taken` has: all of AND, one of OR. */
export function isMet(expression, taken) {
  const tokens = expression.match(/[()]|[^\s()]+/g) ?? [];
  let at = 0;
  const term = () => {
    if (tokens[at] !== '(') return taken(tokens[at++] ?? '');
    at++;
    const inner = either();
    at++;
    return inner;
  };
  const both = () => {
    let met = term();
    for (; tokens[at] === 'AND'; met = term() && met) at++;
    return met;
  };
  const either = () => {
    let met = both();
    for (; tokens[at] === 'OR'; met = both() || met) at++;
    return met;
  };
  const met = either();
  return met && tokens.length > 0 && at >= tokens.length;
}

/** What is wrong with the packages of a lock file, one line each. */
export function wrongPackages({ packages }) {
  return Object.entries(packages).flatMap(([path, { license, dev, optional, link, hasInstallScript }]) => {
    const name = /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)$/.exec(path)?.[1];
    if (name === undefined || link) return [];
    const others = exceptions
      .filter((exception) => exception.name.test(name) && (optional || !exception.optional))
      .flatMap(({ licences }) => licences);
    const isTaken = (licence) => permissive.has(licence) || others.includes(licence);
    // Tools for development are not passed on.
    const licenceFails =
      !dev && !(typeof license === 'string' && (others.includes(license) || isMet(license, isTaken)));
    return [
      ...(licenceFails ? [`${path}: the licence ${license ?? '(none)'} is not listed`] : []),
      ...(hasInstallScript && !scripts.has(name) ? [`${path}: has an install script that is not listed`] : []),
    ];
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const lock = JSON.parse(readFileSync(join(import.meta.dirname, '../package-lock.json'), 'utf8'));
  const wrong = wrongPackages(lock);
  for (const line of wrong) console.error(line);
  if (wrong.length > 0) console.error('Take another package, or list it in tools/check-licences.mjs with the reason.');
  else console.log(`${Object.keys(lock.packages).length} packages: licences and install scripts are as listed`);
  process.exitCode = wrong.length > 0 ? 1 : 0;
}
