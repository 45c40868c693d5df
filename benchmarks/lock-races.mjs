// Races of two runs for one output folder: node benchmarks/lock-races.mjs [TIMES]. Never may both be inside.

import { raceForLocks } from './support/lock-races.mjs';

const counts = await raceForLocks({ times: Number(process.argv[2] ?? 500) });
for (const [outcome, times] of Object.entries(counts)) console.log(`${times}  ${outcome}`);
process.exitCode = Object.keys(counts).some((outcome) => /both|failed/.test(outcome)) ? 1 : 0;
