import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Affine } from '../affine.ts';
import { latticeOf, tokenMosaic, type PlacedGrid } from './token-mosaic.ts';

const cell = 160;
/** A grid whose first cell is `column`, `row` cells from a corner of the world. */
const at = (column: number, row: number, columns: number, rows: number): PlacedGrid => ({
  rows,
  columns,
  transform: [cell, 0, 400_000 + column * cell, 0, -cell, 5_300_000 - row * cell],
});
const filled = (grid: PlacedGrid, value: (column: number, row: number) => number): Float32Array =>
  Float32Array.from({ length: grid.rows * grid.columns }, (_, i) =>
    value(i % grid.columns, Math.floor(i / grid.columns)),
  );
const all = async (grids: readonly PlacedGrid[], values: readonly Float32Array[], blend = true) => {
  const mosaic = tokenMosaic(grids, 1, async (index) => values[index]!, { blend });
  const { width, height } = mosaic.lattice;
  return { ...mosaic.lattice, values: await mosaic.read({ x: 0, y: 0, width, height }) };
};

describe('a mosaic', () => {
  test('of one grid is that grid, to the bit', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 9 }),
        fc.infiniteStream(fc.float({ noNaN: true })),
        async (columns, rows, stream) => {
          const grid = at(3, 4, columns, rows);
          const values = filled(grid, () => stream.next().value! + 0);
          const found = await all([grid], [values]);
          expect(found).toMatchObject({ width: columns, height: rows, transform: grid.transform });
          expect(found.values).toEqual(values);
        },
      ),
    );
  });

  test('of tiles that agree where they overlap shows no seam: a field is itself, whatever the overlap', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 4, max: 12 }),
        fc.integer({ min: 0, max: 6 }),
        fc.integer({ min: 1, max: 4 }),
        async (size, wanted, count) => {
          const overlap = Math.min(wanted, Math.floor(size / 2));
          const step = size - overlap;
          const field = (column: number, row: number): number => column * 3 - row * 2;
          const tiles = Array.from({ length: count * count }, (_, i) =>
            at((i % count) * step, Math.floor(i / count) * step, size, size),
          );
          const values = tiles.map((tile, i) =>
            filled(tile, (x, y) => field((i % count) * step + x, Math.floor(i / count) * step + y)),
          );
          const found = await all(tiles, values);
          const edge = (count - 1) * step + size;
          expect([found.width, found.height]).toEqual([edge, edge]);
          for (const [i, value] of found.values.entries())
            expect(value).toBeCloseTo(field(i % edge, Math.floor(i / edge)), 3);
        },
      ),
    );
  });

  test('passes from one tile to the next in even steps where they differ', async () => {
    const tiles = [at(0, 0, 7, 1), at(2, 0, 7, 1)];
    const { values } = await all(tiles, [filled(tiles[0]!, () => 10), filled(tiles[1]!, () => 14)]);
    expect([...values]).toEqual([10, 10, 10, 11, 12, 13, 14, 14, 14]);
  });

  test('has nothing of the outermost cells of a tile where another tile has more of what lies around them', async () => {
    for (const overlap of [1, 2, 3, 6]) {
      const tiles = [at(0, 0, 12, 1), at(12 - overlap, 0, 12, 1)];
      const outermost = (column: number): number => (column === 0 || column === 11 ? 1000 : 5);
      const { values, width } = await all(
        tiles,
        tiles.map((tile) => filled(tile, outermost)),
      );
      // With one cell in common there is nothing else.
      const shared = overlap === 1 ? [11] : [];
      for (const [column, value] of values.entries())
        expect(value).toBe(column === 0 || column === width - 1 || shared.includes(column) ? 1000 : 5);
    }
  });

  test('leaves out tokens that are masked, and what no tile has', async () => {
    const tiles = [at(0, 0, 3, 1), at(2, 0, 3, 1), at(7, 0, 1, 1)];
    const values = [Float32Array.of(1, NaN, NaN), Float32Array.of(5, 6, NaN), Float32Array.of(9)];
    expect([...(await all(tiles, values)).values]).toEqual([1, NaN, 5, 6, NaN, NaN, NaN, 9]);
  });

  test('of groups has no group that no tile has', async () => {
    const tiles = [at(0, 0, 4, 1), at(2, 0, 4, 1)];
    const { values } = await all(tiles, [filled(tiles[0]!, () => 1), filled(tiles[1]!, () => 7)], false);
    expect([...values]).toEqual([1, 1, 1, 7, 7, 7]);
  });

  test('of a tile whose cells do not meet the others lies between them', async () => {
    const tiles = [at(0, 0, 4, 1), at(3.5, 0, 4, 1)];
    const field = (x: number): number => x * 10;
    const found = await all(tiles, [filled(tiles[0]!, (x) => field(x)), filled(tiles[1]!, (x) => field(x + 3.5))]);
    // The half cell at the end has its centre in the tile no more.
    expect(found.width).toBe(7);
    for (const [x, value] of found.values.entries()) expect(value).toBeCloseTo(field(x), 3);
  });
});

describe('north', () => {
  test('is up, whichever way the rows of a grid run', async () => {
    const northUp = at(0, 0, 2, 3);
    const [a, , c, , e, f] = northUp.transform;
    const southUp: PlacedGrid = { ...northUp, transform: [a, 0, c, 0, -e, f + 3 * e] };
    // Row 0 of the second lies in the south.
    const found = await all([southUp], [filled(southUp, (column, row) => row * 10 + column)]);
    expect(found.transform).toEqual(northUp.transform);
    expect([...found.values]).toEqual([20, 21, 10, 11, 0, 1]);
    const westward: PlacedGrid = { ...northUp, transform: [-a, 0, c + 2 * a, 0, e, f] };
    expect([...(await all([westward], [filled(westward, (column) => column)])).values]).toEqual([1, 0, 1, 0, 1, 0]);
  });

  test('of rotated grids is where their own rows run', () => {
    const transform: Affine = [10, 3, 500_000, 4, -9, 4_400_000];
    expect(latticeOf([{ rows: 4, columns: 5, transform }])).toEqual({ width: 5, height: 4, transform });
  });
});
