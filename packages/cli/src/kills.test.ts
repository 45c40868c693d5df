// A few kills at random moments and file operations, resumed; the long form is `node benchmarks/faults.mjs kills`.

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const faults = fileURLToPath(new URL('../../../benchmarks/faults.mjs', import.meta.url));

it(
  'leaves nothing half-written and loses nothing when it is killed, and goes on to the same bytes',
  { skip: process.platform === 'win32', timeout: 300_000 },
  async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [faults, 'kills', '6', '3', 'groups', 'again']);
    expect(stdout).toMatch(/\n([6-9]|1\d) kills in \d+ folders, 0 of them not as they should be\.\n$/);
  },
);
