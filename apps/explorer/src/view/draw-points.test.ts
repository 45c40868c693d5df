import fc from 'fast-check';
import { expect, test } from 'vitest';
import { placer, whole, zoomed, type Zoom } from './draw-points.ts';

const part = fc.double({ min: -1, max: 1, noNaN: true });
const factors = fc.double({ min: 0.2, max: 5, noNaN: true });
/** A zoom as wheels and buttons leave it. */
const zooms = fc
  .array(fc.tuple(factors, fc.tuple(part, part)), { maxLength: 6 })
  .map((steps) => steps.reduce((zoom: Zoom, [by, at]) => zoomed(zoom, by, at), whole));

test('nothing outside of the whole is shown, however one zooms', () => {
  fc.assert(
    fc.property(zooms, ({ factor, x, y }) => {
      expect(factor).toBeGreaterThanOrEqual(1);
      for (const middle of [x, y]) expect(Math.abs(middle) + 1 / factor).toBeLessThanOrEqual(1 + 1e-9);
    }),
  );
});

test('the point under the pointer stays where it is seen', () => {
  fc.assert(
    fc.property(zooms, fc.double({ min: 1, max: 5, noNaN: true }), fc.tuple(part, part), (zoom, by, [across, up]) => {
      // A point in sight; coming nearer never has to give way to the edge.
      const at = [zoom.x + across / zoom.factor, zoom.y + up / zoom.factor] as const;
      const before = placer(600, 400, zoom)(...at);
      const after = placer(600, 400, zoomed(zoom, by, at))(...at);
      for (const axis of [0, 1]) expect(after[axis]!).toBeCloseTo(before[axis]!, 6);
    }),
  );
});

test('all of it is back after as much in as out', () => {
  fc.assert(
    fc.property(fc.tuple(part, part), factors, (at, by) => {
      const back = zoomed(zoomed(whole, by, at), 1 / Math.max(1, by) / 1.001, at);
      expect(back.factor).toBe(1);
      expect([Math.abs(back.x), Math.abs(back.y)]).toEqual([0, 0]);
    }),
  );
});
