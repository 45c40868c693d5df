// Simulates devices that take the shards of a pipeline from a queue, event by event.

import { seededRandom } from '@deepearth/testing/random';
import { divided, eventClock, inTurn } from './event-clock.mjs';

/**
 * What a fleet is, with what costs nothing as the default. Times are seconds, rates are per second.
 *
 * - `devices`, each of which does one shard at a time; `devicesPerMachine` of them share `coresPerMachine` cores, which
 *   `otherWork` other processes of each machine want all the time, too.
 * - `clips`, cut into shards of `clipsPerShard`.
 * - `startSeconds`: of a core, for each job: the process, the plan, the manifest at its end.
 * - `readSeconds`: of a core, for each clip; the next clip is read while one is encoded.
 * - `encodeSeconds`: of a device, for each clip.
 * - `commitSeconds`: of a core, for each clip: tokens are made durable; the device waits.
 * - `queueRate`: jobs that the queue hands out and takes back.
 * - `storeOperationsRate` and `storeByteRate` of the file system that all share; `operationsPerClip`,
 *   `readBytesPerClip` and `tokenBytesPerClip` are what a clip takes of it.
 * - `mergeSeconds`: of a core, for each clip, in the one process that merges, beside what it takes of the file system.
 * - `failureRate`: the part of the attempts at a shard that fail, at any clip; another follows after `retrySeconds` and
 *   goes on where the first ended.
 */
export const freeFleet = {
  devices: 1,
  devicesPerMachine: 1,
  coresPerMachine: Infinity,
  otherWork: 0,
  clips: 1,
  clipsPerShard: 1,
  startSeconds: 0,
  readSeconds: 0,
  encodeSeconds: 0,
  commitSeconds: 0,
  queueRate: Infinity,
  storeOperationsRate: Infinity,
  storeByteRate: Infinity,
  operationsPerClip: 0,
  readBytesPerClip: 0,
  tokenBytesPerClip: 0,
  mergeSeconds: 0,
  failureRate: 0,
  retrySeconds: 1,
  seed: 1,
};

/**
 * Lets a fleet do its work. Returns when the last shard ended (`encodedSeconds`) and when the merge did (`seconds`),
 * clips per second over both, the part of the time until `encodedSeconds` that devices encoded (`utilisation`) and that
 * the queue, the store and the cores were busy (`busy`, 0 to 1), the share of the merge in the whole, attempts, and
 * `encodedClips`, which is `clips`.
 */
export function simulateFleet(options) {
  const fleet = { ...freeFleet, ...options };
  const { devices, devicesPerMachine, coresPerMachine, clips, clipsPerShard, tokenBytesPerClip } = fleet;
  if (!(fleet.failureRate < 1)) throw new RangeError(`failureRate ${fleet.failureRate}: no shard would ever be done.`);
  const random = seededRandom(fleet.seed);
  const clock = eventClock();
  const [queue, operations, bytes] = [1, 1, 1].map(() => inTurn(clock));
  const machines = Array.from({ length: Math.ceil(devices / devicesPerMachine) }, () =>
    divided(clock, coresPerMachine, fleet.otherWork),
  );
  const shards = Math.ceil(clips / clipsPerShard);
  const waiting = Array.from({ length: shards }, (_, i) => ({
    left: Math.min(clipsPerShard, clips - i * clipsPerShard),
  }));
  let next = 0;
  const idle = [];
  let [attempts, encodedClips, encodedSeconds] = [0, 0, 0];

  function* use(operationCount, byteCount) {
    if (operationCount > 0) yield operations.serve(operationCount / fleet.storeOperationsRate);
    if (byteCount > 0) yield bytes.serve(byteCount / fleet.storeByteRate);
  }
  function* readClip(cores) {
    yield* use(fleet.operationsPerClip / 2, fleet.readBytesPerClip);
    if (fleet.readSeconds > 0) yield cores.serve(fleet.readSeconds);
  }
  /** Encodes so many clips of a shard; while one is encoded the next is read. */
  function* encodeClips(shard, count, cores) {
    let reading = clock.start(readClip(cores));
    for (let i = 0; i < count; i++) {
      yield reading;
      if (i + 1 < count) reading = clock.start(readClip(cores));
      yield clock.now() + fleet.encodeSeconds;
      if (fleet.commitSeconds > 0) yield cores.serve(fleet.commitSeconds);
      yield* use(fleet.operationsPerClip / 2, tokenBytesPerClip);
      shard.left--;
      encodedClips++;
    }
  }
  function* putBack(shard) {
    yield clock.now() + fleet.retrySeconds;
    waiting.push(shard);
    const device = idle.shift();
    if (device !== undefined) clock.start(work(device));
  }
  /** One device, until nothing waits; it is woken when a shard is put back. */
  function* work(device) {
    const cores = machines[Math.floor(device / devicesPerMachine)];
    while (next < waiting.length) {
      const shard = waiting[next++];
      attempts++;
      yield queue.serve(1 / fleet.queueRate);
      if (fleet.startSeconds > 0) yield cores.serve(fleet.startSeconds);
      const fails = random() < fleet.failureRate;
      yield* encodeClips(shard, fails ? Math.floor(random() * shard.left) : shard.left, cores);
      if (fails) clock.start(putBack(shard));
      else encodedSeconds = clock.now();
    }
    idle.push(device);
  }

  for (let device = 0; device < devices; device++) clock.start(work(device));
  clock.run();

  const slower = Math.max(1, (fleet.otherWork + 1) / coresPerMachine);
  const mergeSeconds = slower * (fleet.startSeconds + clips * mergeSecondsPerClip(fleet)) + 1 / fleet.queueRate;
  const seconds = encodedSeconds + mergeSeconds;
  const part = (busy, places) => (encodedSeconds > 0 ? busy / (places * encodedSeconds) : 0);
  const coreSeconds = machines.reduce((sum, cores) => sum + cores.busySeconds, 0);
  return {
    encodedSeconds,
    seconds,
    clipsPerSecond: clips / seconds,
    utilisation: part(clips * fleet.encodeSeconds, devices),
    busy: {
      queue: part(queue.busySeconds, 1),
      'store, operations': part(operations.busySeconds, 1),
      'store, bytes': part(bytes.busySeconds, 1),
      cores: part(coreSeconds, machines.length * coresPerMachine),
    },
    mergeShare: mergeSeconds / seconds,
    attempts,
    encodedClips,
  };
}

/** The merge reads frames and tokens as the shards did; `sink/features` gives the files of the shards a second name. */
const mergeSecondsPerClip = (fleet) =>
  fleet.mergeSeconds +
  fleet.operationsPerClip / fleet.storeOperationsRate +
  (fleet.readBytesPerClip + fleet.tokenBytesPerClip) / fleet.storeByteRate;

/**
 * With how many devices each thing that is shared is as busy as it can be, if the devices never waited: `merge` is
 * where merging takes as long as encoding. The smallest breaks first.
 */
export function fleetLimits(options) {
  const fleet = { ...freeFleet, ...options };
  const clipSeconds = Math.max(fleet.encodeSeconds, fleet.readSeconds) + fleet.commitSeconds;
  const shardSeconds = fleet.startSeconds + fleet.clipsPerShard * clipSeconds;
  const perClip = shardSeconds / fleet.clipsPerShard;
  return {
    queue: shardSeconds * fleet.queueRate,
    'store, operations': (perClip * fleet.storeOperationsRate) / fleet.operationsPerClip,
    'store, bytes': (perClip * fleet.storeByteRate) / (fleet.readBytesPerClip + fleet.tokenBytesPerClip),
    merge: perClip / mergeSecondsPerClip(fleet),
  };
}
