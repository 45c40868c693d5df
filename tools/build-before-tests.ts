// Builds what tests start as processes of their own (the command line, workers) and the page of the explorer; the rest
// is tested from source.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');

/**
 * A type error does not stop the tests here: `npm run typecheck` is for that, and the compiler writes its output all
 * the same. Under Nx everything has been built before (target "test" depends on "build").
 */
export default function setup(): void {
  if (process.env['NX_TASK_TARGET_PROJECT']) return;
  spawnSync(process.execPath, ['node_modules/typescript/bin/tsc', '-b'], { cwd: root, stdio: 'inherit' });
  spawnSync(process.execPath, ['apps/explorer/build.mjs'], { cwd: root, stdio: 'inherit' });
}
