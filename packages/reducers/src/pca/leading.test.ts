import fc from 'fast-check';
import { expect, test } from 'vitest';
import { symmetricEigen } from './eigen.ts';
import { leadingEigenpairs } from './leading.ts';
import { runAtOnce } from '../shared/pace.ts';
import { seededNormal } from '../shared/seeded.ts';

/** A product of a random matrix with itself, of the given rank. */
function semidefinite(size: number, rank: number, seed: number): Float64Array {
  const normal = seededNormal(seed);
  const factor = Float64Array.from({ length: rank * size }, (_, i) => normal() / (1 + Math.floor(i / size)));
  const matrix = new Float64Array(size * size);
  for (let i = 0; i < size; i++)
    for (let j = 0; j < size; j++)
      for (let k = 0; k < rank; k++) matrix[i * size + j]! += factor[k * size + i]! * factor[k * size + j]!;
  return matrix;
}

/** The largest entry of A v - value v over the first vectors. */
function worst(
  matrix: Float64Array,
  size: number,
  count: number,
  { values, vectors }: { values: Float64Array; vectors: Float64Array },
): number {
  let largest = 0;
  for (let k = 0; k < count; k++) {
    for (let i = 0; i < size; i++) {
      let sum = 0;
      for (let j = 0; j < size; j++) sum += matrix[i * size + j]! * vectors[k * size + j]!;
      largest = Math.max(largest, Math.abs(sum - values[k]! * vectors[k * size + i]!));
    }
  }
  return largest / Math.max(1e-300, Math.abs(values[0]!));
}

test('the dense solver finds all pairs of symmetric matrices of any size and scale', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1, max: 1e6 }),
      fc.constantFrom(1e-150, 1, 1e150),
      (size, seed, scale) => {
        const matrix = semidefinite(size, Math.max(1, size - 2), seed).map((value) => value * scale);
        const found = runAtOnce(symmetricEigen(matrix.slice(), size));
        expect(worst(matrix, size, size, found)).toBeLessThan(1e-12);
        expect([...found.values]).toEqual([...found.values].sort((a, b) => b - a));
      },
    ),
    { numRuns: 60 },
  );
});

test('the Krylov solver agrees with the dense one on large matrices, full or of low rank', () => {
  for (const rank of [240, 2, 1]) {
    const matrix = semidefinite(240, rank, rank);
    const found = runAtOnce(leadingEigenpairs(matrix, 240, 5));
    const all = runAtOnce(symmetricEigen(matrix.slice(), 240));
    expect(worst(matrix, 240, 5, found)).toBeLessThan(1e-12);
    for (let k = 0; k < 5; k++)
      expect(Math.abs(found.values[k]! - all.values[k]!)).toBeLessThan(1e-12 * all.values[0]!);
  }
});

test('the Krylov solver finds an eigenvalue as often as it stands there', () => {
  const size = 300;
  const matrix = new Float64Array(size * size);
  for (let i = 0; i < size; i++) matrix[i * size + i] = i % 100 === 50 ? 5 : 1 / (1 + i);
  const { values } = runAtOnce(leadingEigenpairs(matrix, size, 4));
  expect([...values.subarray(0, 4)].map((value) => Math.round(value * 1e9) / 1e9)).toEqual([5, 5, 5, 1]);
});

test('a matrix of zeros and the unit matrix have a solution too', () => {
  const zero = runAtOnce(leadingEigenpairs(new Float64Array(200 * 200), 200, 3));
  expect([...zero.values.subarray(0, 3)]).toEqual([0, 0, 0]);
  const unit = new Float64Array(200 * 200);
  for (let i = 0; i < 200; i++) unit[i * 201] = 1;
  for (const value of runAtOnce(leadingEigenpairs(unit, 200, 6)).values.subarray(0, 6))
    expect(value).toBeCloseTo(1, 12);
});
