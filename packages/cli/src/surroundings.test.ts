// A full disk, two workers with one shard, a frame that cannot be read; the long form is
// `node benchmarks/faults.mjs surroundings`.

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const faults = fileURLToPath(new URL('../../../benchmarks/faults.mjs', import.meta.url));
const kinds = ['disk', 'two workers', 'poison frame'];

it(
  'loses nothing and leaves nothing when what is around it fails, and goes on to the same bytes',
  { skip: process.platform !== 'linux', timeout: 600_000 },
  async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [faults, 'surroundings', '3', '3', ...kinds]);
    expect(stdout).toMatch(/^two workers: .*: 0 wrong$/m);
    expect(stdout).toMatch(/\n\d+ runs, 0 of them not as they should be\.\n$/);
  },
);
