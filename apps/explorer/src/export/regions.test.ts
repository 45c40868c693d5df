import fc from 'fast-check';
import { expect, test } from 'vitest';
import { area, regionsOf } from './regions.ts';

const grids = fc
  .record({ height: fc.integer({ min: 1, max: 6 }), width: fc.integer({ min: 1, max: 6 }) })
  .chain(({ height, width }) =>
    fc.record({
      height: fc.constant(height),
      width: fc.constant(width),
      cells: fc.array(fc.boolean(), { minLength: height * width, maxLength: height * width }),
    }),
  );

test('regions hold the cells that they are of, and no others', () => {
  fc.assert(
    fc.property(grids, ({ height, width, cells }) => {
      const regions = regionsOf((row, column) => cells[row * width + column]!, height, width);
      const sum = regions.flat().reduce((all, ring) => all + area(ring), 0);
      expect(sum).toBe(cells.filter(Boolean).length);
      for (const [outer, ...holes] of regions) {
        expect(area(outer!)).toBeGreaterThan(0);
        for (const hole of holes) expect(area(hole)).toBeLessThan(0);
      }
      // By the even-odd rule over all lines, the middle of a cell is inside where the cell is.
      const inside = (x: number, y: number): boolean =>
        regions.flat().reduce((within, ring) => {
          let crossed = within;
          ring.forEach(([ax, ay], i) => {
            const [bx, by] = ring[(i + 1) % ring.length]!;
            if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) crossed = !crossed;
          });
          return crossed;
        }, false);
      cells.forEach((is, i) => expect(inside((i % width) + 0.5, Math.floor(i / width) + 0.5)).toBe(is));
    }),
  );
});

test('cells that touch at a corner are apart, a hole is part of what is around it', () => {
  const drawn = (...rows: string[]) =>
    regionsOf((row, column) => rows[row]![column] === '#', rows.length, rows[0]!.length).map((region) => region.length);
  expect(drawn('#.', '.#')).toEqual([1, 1]);
  expect(drawn('###', '#.#', '###')).toEqual([2]);
  expect(drawn('#####', '#...#', '#.#.#', '#...#', '#####').sort()).toEqual([1, 2]);
  expect(drawn('..', '..')).toEqual([]);
});
