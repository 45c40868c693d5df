import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareFrames } from './frame-order.ts';

const frame = (at: string | undefined, number: number, id = `frame-${number}`) => ({ ...(at && { at }), number, id });

test('frames are ordered by instant, then number, then name', () => {
  const ordered = [
    frame('2024-01-31T23:59:59.9Z', 9),
    frame('2024-02-01T00:00:00Z', 3),
    frame('2024-02-01T00:00:00.25Z', 2),
    frame('2024-02-01T00:00:00.5Z', 1, 'a'),
    frame('2024-02-01T00:00:00.5Z', 1, 'b'),
    frame('2024-02-01T00:00:00.5Z', 2),
  ];
  expect([...ordered].reverse().sort(compareFrames)).toEqual(ordered);
  expect(
    [frame(undefined, 2), frame('2024-01-01T00:00:00Z', 1)].sort(compareFrames).map(({ number }) => number),
  ).toEqual([1, 2]);
});

test('the order of instants is that of the clock', () => {
  const moment = fc.date({
    min: new Date('1990-01-01T00:00:00Z'),
    max: new Date('2100-01-01T00:00:00Z'),
    noInvalidDate: true,
  });
  fc.assert(
    fc.property(moment, moment, (a, b) => {
      const at = (date: Date): string => date.toISOString().replace(/\.000Z$|0+Z$/, 'Z');
      expect(Math.sign(compareFrames(frame(at(a), 5, 'x'), frame(at(b), 5, 'x')))).toBe(
        Math.sign(a.getTime() - b.getTime()),
      );
    }),
  );
});
