// The files of two results, compared.

import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Digests of all files below a folder by their paths, without the manifest, which has times. */
export function digestsIn(folder) {
  const found = {};
  if (!existsSync(folder)) return found;
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()) {
    if (!statSync(join(folder, name)).isFile() || name === 'manifest.json') continue;
    found[name] = createHash('sha256')
      .update(readFileSync(join(folder, name)))
      .digest('hex');
  }
  return found;
}

/** What is wrong with a result, a line for each file; none where it equals the one that is expected. */
export const differences = (expected, made) =>
  [...new Set([...Object.keys(expected), ...Object.keys(made)])]
    .filter((path) => made[path] !== expected[path])
    .map(
      (path) =>
        `${path} ${made[path] === undefined ? 'is missing' : expected[path] === undefined ? 'is left over' : 'has other bytes'}`,
    );
