// Laws of the rotary tables.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { axisChannels, rotaryTables } from './rotary.ts';

const grids = fc.record({
  time: fc.integer({ min: 1, max: 9 }),
  height: fc.integer({ min: 1, max: 7 }),
  width: fc.integer({ min: 1, max: 7 }),
});
const sizes = fc.constantFrom(32, 64, 80, 128);

test('heads of 64 turn 20 channels with each axis, heads of 80 turn 26, heads of 32 turn 10', () => {
  expect([64, 80, 32].map(axisChannels)).toEqual([20, 26, 10]);
});

test('every angle is an angle: squares of cosine and sine sum to 1', () => {
  fc.assert(
    fc.property(grids, sizes, fc.constantFrom('2.0' as const, '2.1' as const), (grid, headSize, family) => {
      const { cosEven, sinEven, cosOdd, sinOdd } = rotaryTables(
        { headSize, family, rotaryGrid: family === '2.1' ? 16 : null },
        grid,
      );
      expect(cosEven.shape).toEqual([grid.time * grid.height * grid.width, headSize / 2]);
      cosEven.data.forEach((value, i) => expect(value ** 2 + sinEven.data[i]! ** 2).toBeCloseTo(1, 5));
      cosOdd.data.forEach((value, i) => expect(value ** 2 + sinOdd.data[i]! ** 2).toBeCloseTo(1, 5));
    }),
    { numRuns: 30 },
  );
});

test('2.1 turns both channels of a pair alike, 2.0 does not', () => {
  const grid = { time: 4, height: 3, width: 3 };
  const good = rotaryTables({ headSize: 64, family: '2.1', rotaryGrid: 16 }, grid);
  expect(good.cosEven).toEqual(good.cosOdd);
  const tiled = rotaryTables({ headSize: 64, family: '2.0', rotaryGrid: null }, grid);
  expect(tiled.cosEven).not.toEqual(tiled.cosOdd);
  // Token 9 stands at time 1: channel 2 has frequency 10000^(-2/10), channel 3 has 10000^(-3/10), channel 10 starts
  // over.
  expect(tiled.cosEven.data[9 * 32 + 1]).toBeCloseTo(Math.cos(10000 ** -0.2), 6);
  expect(tiled.cosOdd.data[9 * 32 + 1]).toBeCloseTo(Math.cos(10000 ** -0.3), 6);
  expect(tiled.cosEven.data[9 * 32 + 5]).toBeCloseTo(Math.cos(1), 6);
});

test('channels beyond the three axes stay, and a grid of one row or column does not divide by zero', () => {
  fc.assert(
    fc.property(grids, (grid) => {
      const { cosEven, sinOdd } = rotaryTables({ headSize: 64, family: '2.1', rotaryGrid: 16 }, grid);
      for (let token = 0; token < cosEven.shape[0]!; token++)
        expect([cosEven.data[token * 32 + 30], cosEven.data[token * 32 + 31], sinOdd.data[token * 32 + 31]]).toEqual([
          1, 1, 0,
        ]);
      expect(cosEven.data.every(Number.isFinite)).toBe(true);
    }),
    { numRuns: 30 },
  );
});

test('at the grid it was trained on first, 2.1 does not stretch', () => {
  const grid = { time: 2, height: 16, width: 16 };
  expect(rotaryTables({ headSize: 64, family: '2.1', rotaryGrid: 16 }, grid)).toEqual(
    rotaryTables({ headSize: 64, family: '2.1', rotaryGrid: null }, grid),
  );
});
