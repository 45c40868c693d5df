import fc from 'fast-check';
import { expect, test } from 'vitest';
import { componentPoints, isWithin } from './plane.ts';

test('points are the components around the center, and NaN without data', () => {
  const code = {
    bytes: 2,
    components: 2,
    channels: 2,
    scales: [0.01, 0.01],
    overlap: null,
    colors: {
      center: [0.5, 0],
      directions: [
        [1, 0],
        [0, 1],
        [0, 0],
      ],
      limits: [],
    },
  };
  const points = componentPoints(code, Int8Array.from([100, 20, 0, 0]));
  expect([...points].map((value) => Math.round(value * 100) / 100)).toEqual([0.5, 0.2, 0, NaN, NaN, NaN]);
});

test('a point is within a rectangle as its edges say, whichever corner comes first', () => {
  const numbers = fc.integer({ min: -9, max: 9 });
  fc.assert(
    fc.property(numbers, numbers, numbers, numbers, numbers, numbers, fc.nat(3), (ax, ay, bx, by, x, y, turn) => {
      const corners = [[ax, ay] as const, [bx, ay] as const, [bx, by] as const, [ax, by] as const];
      const outline = [...corners.slice(turn), ...corners.slice(0, turn)];
      // Half a step aside, so that no point is on an edge.
      const [px, py] = [x + 0.5, y + 0.5];
      const expected = px > Math.min(ax, bx) && px < Math.max(ax, bx) && py > Math.min(ay, by) && py < Math.max(ay, by);
      expect(isWithin(outline, px, py)).toBe(expected);
    }),
  );
  expect(isWithin([], 0, 0)).toBe(false);
});
