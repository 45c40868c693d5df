import fc from 'fast-check';
import { expect, test } from 'vitest';
import { deviceUse, starvation, waits } from './device-use.ts';

/** A watch with a clock that is set by hand, in seconds. */
function watched(devices: number) {
  let now = 0;
  const use = deviceUse(devices, () => now * 1000);
  return { use, pass: (seconds: number) => void (now += seconds) };
}

test('each second without work counts for what the next clip was at', () => {
  const { use, pass } = watched(1);
  pass(100); // Opening the model is no waiting.
  use.working()();
  const call = (seconds: number) => {
    const end = use.working();
    pass(seconds);
    end();
  };
  call(4);
  pass(1); // input
  const preparing = use.phase('preparing');
  pass(2);
  const reading = use.phase('reading');
  pass(3);
  reading();
  preparing();
  const sending = use.phase('sending');
  pass(4); // moving
  const written = use.writing();
  pass(5);
  written();
  call(6);
  sending();
  pass(50); // After the last call nothing is waited for.
  expect(use.times()).toEqual({
    seconds: 25,
    waited: { input: 1, preparing: 2, reading: 3, moving: 4, writing: 5 },
  });
});

test('work and waiting of all devices together are the time of all devices together', () =>
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 3 }),
      fc.array(fc.tuple(fc.constantFrom('begin', 'end', 'reading', 'preparing', 'sending', 'input'), fc.nat(9))),
      (devices, steps) => {
        const { use, pass } = watched(devices);
        const ends: (() => void)[] = [];
        let worked = 0;
        let now = 0;
        let first: number | undefined;
        let last = 0;
        for (const [step, seconds] of steps) {
          if (step === 'begin' && ends.length < devices) {
            first ??= now;
            ends.push(use.working());
          } else if (step === 'end') ends.shift()?.();
          else if (step !== 'begin') use.phase(step);
          if (step === 'end' || step === 'begin') last = now;
          pass(seconds);
          worked += seconds * ends.length;
          now += seconds;
        }
        if (ends.length > 0) last = now;
        for (const end of ends) end();
        const { seconds, waited } = use.times();
        const idle = waits.reduce((sum, wait) => sum + waited[wait], 0);
        expect(seconds).toBeCloseTo(worked + idle);
        expect(seconds).toBeLessThanOrEqual((last - (first ?? last)) * devices + 1e-6);
      },
    ),
  ));

test('a device that waited for a fifth of the time is told of, with the cause and what to change', () => {
  const none = { input: 0, reading: 0, preparing: 0, writing: 0, moving: 0 };
  expect(starvation({ seconds: 10, waited: { ...none, reading: 1.9 } }, ['cpu'], ['frames'])).toBeUndefined();
  expect(starvation({ seconds: 4, waited: { ...none, reading: 4 } }, ['cpu'], ['frames'])).toBeUndefined();
  expect(starvation({ seconds: 40, waited: { ...none, reading: 8, writing: 6 } }, ['cuda:0', 'cuda:1'], ['a'])).toBe(
    'cuda:0 and cuda:1 waited 35 % of the time, 20 % for pictures to be read and decoded. More cores, a nearer disk, smaller pictures or JPEG instead of PNG help.',
  );
  expect(starvation({ seconds: 10, waited: { ...none, input: 5 } }, ['cpu'], ['a', 'b', 'c'])).toContain(
    '50 % of the time, 50 % for clips from a, b and c.',
  );
  for (const wait of waits)
    expect(starvation({ seconds: 10, waited: { ...none, [wait]: 5 } }, ['cpu'], ['a'])).toMatch(/^cpu waited 50 %/);
});
