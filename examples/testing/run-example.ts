// Runs examples the way a user does, for tests.

import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Manifest } from '@deepearth/core';

export const root = join(import.meta.dirname, '../..');

/** Runs Node in the repository. */
export const node = (...args: string[]) =>
  promisify(execFile)(process.execPath, args, { cwd: root, maxBuffer: 1 << 26 });
export const deepearth = (...args: string[]) => node('packages/cli/bin/deepearth.js', ...args);

/** Runs an example into a folder, and returns what it left. */
export async function runTo(
  output: string,
  name: string,
  ...args: string[]
): Promise<{ output: string; manifest: Manifest; files: string[] }> {
  await deepearth('run', `examples/${name}`, '--output', output, ...args);
  const manifest = JSON.parse(readFileSync(join(output, 'manifest.json'), 'utf8')) as Manifest;
  return { output, manifest, files: manifest.outputs.map(({ path }) => path) };
}
