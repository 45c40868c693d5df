// The directions in which symmetric matrices stretch most, by orthogonal iteration.

import { turn } from './turn.ts';

/** Directions beyond those asked for, which let the last of them settle. */
const spare = 16;

/**
 * The `count` leading eigenvectors of a positive matrix `[size, size]` in descending order of their values,
 * `[count, size]`, as far as `rounds` of orthogonal iteration separate them (Golub and van Loan, Matrix Computations,
 * 8.2.4). They are orthonormal in any case, and the entry of largest size of each is positive; fewer where the matrix
 * has less rank.
 */
export async function leadingDirections(
  matrix: Float64Array,
  size: number,
  count: number,
  rounds: number,
  signal: AbortSignal,
): Promise<Float64Array[]> {
  const wanted = Math.min(count + spare, size);
  // Cosines are independent of one another and in no relation to any data.
  let directions: Float64Array[] = Array.from({ length: wanted }, (_, row) =>
    Float64Array.from({ length: size }, (_, i) => Math.cos((Math.PI * (i + 0.5) * (row + 0.37)) / size)),
  );
  for (let round = 0; round < rounds; round++) {
    await turn(signal);
    directions = orthonormal(directions.map((direction) => multiplied(matrix, size, direction)));
  }
  return directions.slice(0, count).map(positive);
}

function multiplied(matrix: Float64Array, size: number, vector: Float64Array): Float64Array {
  const out = new Float64Array(size);
  for (let row = 0; row < size; row++) {
    const from = row * size;
    let sum = 0;
    for (let i = 0; i < size; i++) sum += matrix[from + i]! * vector[i]!;
    out[row] = sum;
  }
  return out;
}

/** Gram and Schmidt, twice, which is enough for orthogonality to rounding; what depends on those before is left out. */
function orthonormal(vectors: readonly Float64Array[]): Float64Array[] {
  const out: Float64Array[] = [];
  const largest = Math.max(...vectors.map(lengthOf));
  for (const vector of vectors) {
    for (let pass = 0; pass < 2; pass++)
      for (const before of out) {
        const share = dot(vector, before);
        for (let i = 0; i < vector.length; i++) vector[i]! -= share * before[i]!;
      }
    const length = lengthOf(vector);
    if (!(length > largest * 1e-12)) continue;
    for (let i = 0; i < vector.length; i++) vector[i]! /= length;
    out.push(vector);
  }
  return out;
}

function positive(direction: Float64Array): Float64Array {
  let largest = 0;
  for (const value of direction) if (Math.abs(value) > Math.abs(largest)) largest = value;
  return largest < 0 ? direction.map((value) => -value) : direction;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

const lengthOf = (vector: Float64Array): number => Math.sqrt(dot(vector, vector));
