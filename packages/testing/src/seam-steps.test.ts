import fc from 'fast-check';
import { expect, test } from 'vitest';
import { seamSteps, tileEdges } from './seam-steps.ts';

/** Rows and columns of a raster in which every step is 1, but for those before `edges`. */
const terraces = (size: number, edges: readonly number[], height: number): Float64Array => {
  const rise = (to: number): number =>
    Array.from({ length: to }, (_, i) => (edges.includes(i + 1) ? height : 1)).reduce((sum, each) => sum + each, 0);
  return Float64Array.from({ length: size * size }, (_, at) => rise(at % size) + rise(Math.floor(at / size)));
};

test('a step that is higher where tiles meet is found, however many bands there are', () => {
  const band = terraces(20, [5, 12], 3);
  expect(seamSteps([band], 20, [5, 12])).toEqual({ across: 3, inside: 1, ratio: 3 });
  expect(seamSteps([band, band], 20, [5, 12]).ratio).toBeCloseTo(3, 12);
  // Elsewhere is where others are, or nowhere.
  expect(seamSteps([band], 20, [7]).ratio).toBeLessThan(1);
  expect(seamSteps([band], 20, [7], [5, 12])).toEqual({ across: 1, inside: 1, ratio: 1 });
});

test('values that are missing count nowhere', () => {
  const band = terraces(8, [4], 2);
  band[9] = NaN;
  expect(seamSteps([band], 8, [4])).toEqual({ across: 2, inside: 1, ratio: 2 });
});

test('tiles begin and end at whole steps, the last one at the end', () => {
  expect(tileEdges(512, 128, 64)).toEqual([64, 128, 192, 256, 320, 384, 448]);
  expect(tileEdges(300, 128, 0)).toEqual([128, 172, 256]);
  expect(tileEdges(128, 128, 32)).toEqual([]);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 50 }), fc.nat(49), fc.nat(300), (size, shared, more) => {
      const length = size + more;
      for (const edge of tileEdges(length, size, Math.min(shared, size - 1))) {
        expect(edge).toBeGreaterThan(0);
        expect(edge).toBeLessThan(length);
      }
    }),
  );
});
