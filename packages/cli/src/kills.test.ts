// A few kills at random moments and file operations, resumed, and of what does the jobs of a queue; the long forms are
// `node benchmarks/faults.mjs kills` and `… queue`.

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { redisPath, withoutRedis } from '../../../tools/redis.mjs';

const faults = fileURLToPath(new URL('../../../benchmarks/faults.mjs', import.meta.url));

it(
  'leaves nothing half-written and loses nothing when it is killed, and goes on to the same bytes',
  { skip: process.platform === 'win32', timeout: 300_000 },
  async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [faults, 'kills', '6', '3', 'groups', 'again']);
    expect(stdout).toMatch(/\n([6-9]|1\d) kills in \d+ folders, 0 of them not as they should be\.\n$/);
  },
);

it(
  `loses nothing and makes nothing twice when a part and the merge of a queue lose their worker, process or Redis${withoutRedis}`,
  { skip: process.platform !== 'linux' || !redisPath, timeout: 600_000 },
  async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [faults, 'queue', '2', '8']);
    expect(stdout).toMatch(
      /\n2 kills in \d+ folders, 0 of them not as they should be; \d+ jobs started again, .*; 0 files written again\.\n$/,
    );
  },
);
