// Many devices and one queue, simulated from measured parameters, and the simulation beside real processes:
//
//   node benchmarks/scale.mjs [PARAMETER=VALUE …]            a table for 1 to 1,000 devices, and what breaks first
//   node benchmarks/scale.mjs measure [ROUNDS, 3]            what a job, a clip and the merge of a clip take here
//   node benchmarks/scale.mjs check [DEVICES …, 2 4 8]       real runs, of an encoder that waits, beside simulated ones
//
// PARAMETER is a field of support/simulate-fleet.mjs. `measure` and `check` need a build (npx tsc -b), redis-server and
// Linux.

import { availableParallelism, loadavg } from 'node:os';
import { fleetLimits, simulateFleet } from './support/simulate-fleet.mjs';

/**
 * Tokens of ViT-g at 384 px of a million frames of 1920 x 1080, in clips of 16. What benchmarks/scale.md says was
 * measured, on a CPU, and three that were not, to be replaced by one's own: a clip on a device, calls and bytes of a
 * file system.
 */
const example = {
  clips: 62_500,
  clipsPerShard: 60,
  coresPerMachine: 8,
  startSeconds: 0.48,
  readSeconds: 0.2,
  commitSeconds: 0.05,
  mergeSeconds: 0.1,
  queueRate: 9600,
  operationsPerClip: 365,
  readBytesPerClip: 4_200_000,
  tokenBytesPerClip: 25_954_240,
  encodeSeconds: 1,
  storeOperationsRate: 20_000,
  storeByteRate: 1_000_000_000,
};

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
const load = () => loadavg()[0].toFixed(1);
const table = (head, rows) =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
const percent = (part) => `${(100 * part).toFixed(part < 0.1 ? 1 : 0)} %`;

function simulate(settings) {
  const fleet = { ...example };
  for (const setting of settings) {
    const [name, value] = setting.split('=');
    fleet[name] = Number(value);
    if (Number.isNaN(fleet[name])) throw new Error(`${setting}: expected PARAMETER=NUMBER.`);
  }
  const rows = [1, 10, 30, 100, 300, 1000].map((devices) => {
    const { seconds, encodedSeconds, clipsPerSecond, utilisation, busy, mergeShare } = simulateFleet({
      ...fleet,
      devices,
    });
    const [name, most] = Object.entries(busy).reduce((a, b) => (b[1] > a[1] ? b : a));
    return [
      devices,
      clipsPerSecond.toFixed(2),
      percent(utilisation),
      (encodedSeconds / 3600).toFixed(2),
      (seconds / 3600).toFixed(2),
      percent(mergeShare),
      `${name} ${percent(most)}`,
    ];
  });
  const head = ['devices', 'clips/s', 'devices busy', 'encoded, h', 'merged, h', 'merge', 'busiest'];
  console.log(table(head, rows));
  const limits = Object.entries(fleetLimits(fleet)).sort((a, b) => a[1] - b[1]);
  console.log(`\nNo more devices help beyond: ${limits.map(([name, most]) => `${name} ${shown(most)}`).join(', ')}.`);
}

const shown = (count) => (Number.isFinite(count) ? Math.round(count).toLocaleString('en') : 'any number');

/** What a job and a clip take, from jobs of two lengths one after the other, for tokens of a shape. */
async function measured({ shape, rounds, most }) {
  const { runFleet } = await import('./support/run-fleet.mjs');
  const found = [];
  for (let round = 0; round < rounds; round++) {
    const of = (clips) => runFleet({ devices: 1, shards: 1, clips, seconds: 0, shape });
    const [short, long] = [await of(1), await of(most)];
    const [shard, merge, processor, mergeProcessor] = [
      ({ shardSeconds }) => shardSeconds[0],
      ({ mergeSeconds }) => mergeSeconds,
      ({ shardProcessorSeconds }) => shardProcessorSeconds,
      ({ mergeProcessorSeconds }) => mergeProcessorSeconds,
    ].map((value) => {
      const perClip = Math.max(0, (value(long) - value(short)) / (most - 1));
      return { perClip, start: value(short) - perClip };
    });
    found.push({
      startSeconds: shard.start,
      commitSeconds: shard.perClip,
      mergeStartSeconds: merge.start,
      mergeSeconds: merge.perClip,
      startProcessorSeconds: processor.start,
      commitProcessorSeconds: processor.perClip,
      mergeProcessorSeconds: mergeProcessor.perClip,
      tokenBytesPerClip: long.tokenBytesPerClip,
    });
  }
  return Object.fromEntries(Object.keys(found[0]).map((name) => [name, median(found.map((each) => each[name]))]));
}

async function measure(rounds) {
  const before = load();
  const result = await measured({ shape: [8, 24, 24, 1408], rounds, most: 12 });
  console.log(
    table(
      ['', 'seconds'],
      Object.entries(result).map(([name, value]) => [name, value < 1000 ? value.toFixed(3) : value]),
    ),
  );
  console.log(`\nTokens of [8, 24, 24, 1408], load ${before} to ${load()} on ${availableParallelism()} cores.`);
}

async function check(fleets) {
  const { runFleet } = await import('./support/run-fleet.mjs');
  const [shape, shards, clips, encodeSeconds, cores] = [[8, 24, 24, 16], 16, 128, 1, availableParallelism()];
  const calibrate = () => measured({ shape, rounds: 2, most: 32 });
  // How many others want the cores, as a job sees it that takes longer than its processor seconds.
  const othersBeside = ({ startSeconds, startProcessorSeconds: own }) => (cores * startSeconds) / own - 1;
  const rows = [];
  let worst = 0;
  for (const devices of fleets) {
    const before = load();
    const first = await calibrate();
    const real = await runFleet({ devices, shards, clips, seconds: encodeSeconds, shape });
    const last = await calibrate();
    const mean = (value) => (value(first) + value(last)) / 2;
    const otherWork = Math.max(0, mean(othersBeside));
    const simulated = simulateFleet({
      devices,
      devicesPerMachine: devices,
      coresPerMachine: cores,
      otherWork,
      clips,
      clipsPerShard: clips / shards,
      startSeconds: mean((parts) => parts.startProcessorSeconds),
      encodeSeconds,
      commitSeconds: mean((parts) => parts.commitProcessorSeconds),
      mergeSeconds: mean((parts) => parts.mergeProcessorSeconds),
    });
    const [made, expected] = [real.encodedSeconds + real.mergeSeconds, simulated.seconds];
    const off = expected / made - 1;
    worst = Math.max(worst, Math.abs(off));
    rows.push([
      devices,
      made.toFixed(1),
      expected.toFixed(1),
      `${off < 0 ? '−' : '+'}${percent(Math.abs(off))}`,
      percent((clips * encodeSeconds) / (devices * real.encodedSeconds)),
      percent(simulated.utilisation),
      otherWork.toFixed(1),
      `${before} to ${load()}`,
    ]);
  }
  const head = ['devices', 'real, s', 'simulated, s', 'off', 'busy, real', 'busy, simulated', 'other work', 'load'];
  console.log(table(head, rows));
  console.log(`\n${shards} shards of ${clips / shards} clips, ${encodeSeconds} s each, on ${cores} cores.`);
  if (worst > 0.15) process.exitCode = 1;
}

const [what, ...rest] = process.argv.slice(2);
if (what === 'measure') await measure(Number(rest[0] ?? 3));
else if (what === 'check') await check((rest.length > 0 ? rest : [2, 4, 8]).map(Number));
else simulate(process.argv.slice(2));
