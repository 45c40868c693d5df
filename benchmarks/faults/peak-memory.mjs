// Loaded with `node --import`: when the process ends, writes to the file FAULTS_PEAK the most memory that it had, in
// KiB, and the seconds that it computed.

import { writeFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

const { FAULTS_PEAK: file } = process.env;
if (isMainThread && file !== undefined)
  process.on('exit', () => {
    const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
    writeFileSync(file, `${maxRSS} ${(userCPUTime + systemCPUTime) / 1e6}`);
  });
