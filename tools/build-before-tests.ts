// Builds what tests start as processes of their own (the command line, workers); the rest is tested from source.

import { spawnSync } from 'node:child_process';

/**
 * A type error does not stop the tests here: `npm run typecheck` is for that, and the compiler writes its output all
 * the same.
 */
export default function setup(): void {
  spawnSync(process.execPath, ['node_modules/typescript/bin/tsc', '-b'], { stdio: 'inherit' });
}
