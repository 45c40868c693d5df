// The simulation of benchmarks/scale.mjs, where what comes out is known, and laws that hold for any fleet.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fleetLimits, simulateFleet } from '../benchmarks/support/simulate-fleet.mjs';

test('one device takes the sum of all times, reading each clip while the one before is encoded', () => {
  const times = { startSeconds: 0.5, readSeconds: 0.25, encodeSeconds: 2, commitSeconds: 0.125, mergeSeconds: 0.0625 };
  const { encodedSeconds, seconds, utilisation } = simulateFleet({ clips: 10, clipsPerShard: 4, ...times });
  expect(encodedSeconds).toBe(3 * (0.5 + 0.25) + 10 * (2 + 0.125));
  expect(seconds).toBe(encodedSeconds + 0.5 + 10 * 0.0625);
  expect(utilisation).toBe(20 / encodedSeconds);
});

test('shards of one size come in as many waves as there are, and the last wave leaves devices idle', () => {
  const { encodedSeconds, utilisation } = simulateFleet({ devices: 4, clips: 50, clipsPerShard: 10, encodeSeconds: 1 });
  expect([encodedSeconds, utilisation]).toEqual([20, 50 / 80]);
});

test('a device that is faster than the reading waits for it, and so do devices that share cores', () => {
  const slow = { clips: 8, clipsPerShard: 8, readSeconds: 2, encodeSeconds: 0.5 };
  expect(simulateFleet(slow).encodedSeconds).toBe(8 * 2 + 0.5);
  const shared = { ...slow, clips: 16, devices: 2, devicesPerMachine: 2, coresPerMachine: 1 };
  const { encodedSeconds, busy } = simulateFleet(shared);
  expect(encodedSeconds).toBe(16 * 2 + 0.5);
  expect(busy.cores).toBe(32 / 32.5);
});

const work = { clips: 6000, clipsPerShard: 10, startSeconds: 0.4, encodeSeconds: 1, commitSeconds: 0.05 };
test.each([
  ['queue', { queueRate: 2 }, 2 * 10],
  ['store, operations', { storeOperationsRate: 1000, operationsPerClip: 100 }, 1000 / 100],
  ['store, bytes', { storeByteRate: 1e8, tokenBytesPerClip: 1e7 }, 1e8 / 1e7],
] as const)('what is shared holds all up when it is busy: %s', (name, limit, clipsPerSecond) => {
  const fleet = { ...work, ...limit };
  const most = fleetLimits(fleet)[name];
  const few = simulateFleet({ ...fleet, devices: Math.floor(most / 4) });
  const many = simulateFleet({ ...fleet, devices: Math.ceil(most * 10) });
  expect(few.busy[name]).toBeLessThan(0.3);
  expect(many.busy[name]).toBeGreaterThan(0.95);
  expect(work.clips / many.encodedSeconds).toBeGreaterThan(0.9 * clipsPerSecond);
  expect(work.clips / many.encodedSeconds).toBeLessThanOrEqual(clipsPerSecond);
});

test('the merge takes as long as the encoding with the devices that its limit says', () => {
  const fleet = { clips: 6400, clipsPerShard: 10, encodeSeconds: 1, mergeSeconds: 0.0625 };
  expect(fleetLimits(fleet).merge).toBe(16);
  expect(simulateFleet({ ...fleet, devices: 16 }).mergeShare).toBe(0.5);
});

test('shards that fail are tried until they are done; what was encoded stays', () => {
  const fleet = { devices: 8, clips: 4000, clipsPerShard: 10, encodeSeconds: 1, failureRate: 0.5, retrySeconds: 1 };
  const { attempts, encodedClips, utilisation } = simulateFleet(fleet);
  expect(encodedClips).toBe(4000);
  expect(attempts).toBeGreaterThan(1.8 * 400);
  expect(attempts).toBeLessThan(2.2 * 400);
  expect(utilisation).toBeGreaterThan(0.9);
  expect(simulateFleet(fleet)).toEqual(simulateFleet(fleet));
  expect(() => simulateFleet({ ...fleet, failureRate: 1 })).toThrow(/failureRate/);
});

test('any fleet encodes every clip once, and no faster than its devices and its queue can', () => {
  const seconds = fc.double({ min: 0, max: 5, noNaN: true });
  const fleets = fc.record({
    devices: fc.integer({ min: 1, max: 40 }),
    devicesPerMachine: fc.integer({ min: 1, max: 8 }),
    coresPerMachine: fc.oneof(fc.constant(Infinity), fc.integer({ min: 1, max: 8 })),
    clips: fc.integer({ min: 1, max: 300 }),
    clipsPerShard: fc.integer({ min: 1, max: 100 }),
    startSeconds: seconds,
    readSeconds: seconds,
    encodeSeconds: seconds,
    commitSeconds: seconds,
    queueRate: fc.double({ min: 0.1, max: 1e4, noNaN: true }),
    storeOperationsRate: fc.double({ min: 1, max: 1e5, noNaN: true }),
    operationsPerClip: fc.integer({ min: 0, max: 100 }),
    mergeSeconds: seconds,
    failureRate: fc.double({ min: 0, max: 0.8, noNaN: true }),
    seed: fc.integer(),
  });
  fc.assert(
    fc.property(fleets, (fleet) => {
      const result = simulateFleet(fleet);
      const almost = 1 - 1e-9;
      expect(result.encodedClips).toBe(fleet.clips);
      expect(result.attempts).toBeGreaterThanOrEqual(Math.ceil(fleet.clips / fleet.clipsPerShard));
      expect(result.encodedSeconds).toBeGreaterThanOrEqual(
        almost * Math.max((fleet.clips * fleet.encodeSeconds) / fleet.devices, result.attempts / fleet.queueRate),
      );
      for (const part of [result.utilisation, result.mergeShare, ...Object.values(result.busy)]) {
        expect(part).toBeGreaterThanOrEqual(0);
        expect(almost * part).toBeLessThanOrEqual(1);
      }
    }),
    { numRuns: 200 },
  );
});

test('cores are divided among the devices of a machine and what else it does', () => {
  const start = { devices: 4, devicesPerMachine: 4, coresPerMachine: 2, clips: 4, startSeconds: 1 };
  expect(simulateFleet(start).encodedSeconds).toBe(2);
  expect(simulateFleet({ ...start, otherWork: 4 }).encodedSeconds).toBe(4);
  expect(simulateFleet({ ...start, otherWork: 1, devices: 1, clips: 1 }).encodedSeconds).toBe(1);
});
