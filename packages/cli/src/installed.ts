// Packages that other packages of ours depend on: where they are, and their versions.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** The entry file of `name` as `parent` would import it; undefined where it is not installed. */
export function installedEntry(name: string, parent: string): string | undefined {
  try {
    return createRequire(createRequire(import.meta.url).resolve(`${parent}/package.json`)).resolve(name);
  } catch {
    return undefined;
  }
}

/**
 * The version of the package that `entry` belongs to: many packages do not export their package.json, so it is looked
 * for above the file.
 */
export function versionOf(name: string, entry: string): string | undefined {
  for (let folder = dirname(entry); folder !== dirname(folder); folder = dirname(folder)) {
    try {
      const found = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
        name?: string;
        version?: string;
      };
      if (found.name === name) return found.version;
    } catch {
      continue;
    }
  }
  return undefined;
}
