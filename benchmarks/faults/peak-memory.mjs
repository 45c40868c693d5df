// Loaded with `node --import`: appends the most memory that the process had, in KiB, to the file FAULTS_PEAK when it ends.

import { appendFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

const { FAULTS_PEAK: file } = process.env;
if (isMainThread && file !== undefined)
  process.on('exit', () => appendFileSync(file, `${process.resourceUsage().maxRSS}\n`));
