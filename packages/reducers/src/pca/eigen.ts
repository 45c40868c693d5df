// All eigenvalues and eigenvectors of a dense symmetric matrix in float64: Householder's tridiagonal form, then
// implicit QL.

import type { Sliced } from '../shared/pace.ts';

/** Eigenpairs in descending order of value: `values [count]`, `vectors [count, size]`, each row of length 1. */
export interface EigenPairs {
  readonly values: Float64Array;
  readonly vectors: Float64Array;
}

/**
 * Solves `matrix [size, size]` (symmetric; overwritten). About 8/3 size³ multiplications for the form and 3 size³ for
 * the vectors: for sizes up to some hundreds. Golub and van Loan, Matrix Computations, 8.3.
 */
export function* symmetricEigen(matrix: Float64Array, size: number): Sliced<EigenPairs> {
  const diagonal = new Float64Array(size);
  const below = new Float64Array(size);
  const rows = yield* tridiagonalize(matrix, size, diagonal, below);
  yield* implicitQl(diagonal, below, rows, size);
  const order = Array.from(diagonal.keys()).sort((i, j) => diagonal[j]! - diagonal[i]! || i - j);
  const values = Float64Array.from(order, (i) => diagonal[i]!);
  const vectors = new Float64Array(size * size);
  order.forEach((from, to) => vectors.set(rows.subarray(from * size, (from + 1) * size), to * size));
  return { values, vectors };
}

/**
 * Reduces to tridiagonal form; returns the transposed transformation, `[size, size]`, whose rows QL turns into
 * eigenvectors.
 */
function* tridiagonalize(
  a: Float64Array,
  size: number,
  diagonal: Float64Array,
  below: Float64Array,
): Sliced<Float64Array> {
  const scales = new Float64Array(size);
  const p = new Float64Array(size);
  // Reflector k keeps its vector in row k of `a`, right of the diagonal: those entries are not needed again.
  for (let k = 0; k < size - 2; k++) {
    const v = a.subarray(k * size, (k + 1) * size);
    let largest = 0;
    for (let j = k + 1; j < size; j++) largest = Math.max(largest, Math.abs(v[j]!));
    diagonal[k] = v[k]!;
    if (largest === 0) continue;
    let norm = 0;
    for (let j = k + 1; j < size; j++) norm += (v[j]! / largest) ** 2;
    norm = Math.sqrt(norm) * largest;
    const head = v[k + 1]! > 0 ? -norm : norm;
    below[k] = head;
    v[k + 1]! -= head;
    for (let j = k + 1; j < size; j++) v[j]! /= norm; // keeps tiny and huge matrices in range
    let square = 0;
    for (let j = k + 1; j < size; j++) square += v[j]! * v[j]!;
    const scale = (scales[k] = 2 / square);
    let projection = 0;
    for (let i = k + 1; i < size; i++) {
      const row = i * size;
      let sum = 0;
      for (let j = k + 1; j < size; j++) sum += a[row + j]! * v[j]!;
      p[i] = scale * sum;
      projection += p[i]! * v[i]!;
    }
    const half = (scale / 2) * projection;
    for (let i = k + 1; i < size; i++) p[i]! -= half * v[i]!;
    for (let i = k + 1; i < size; i++) {
      const row = i * size;
      const vi = v[i]!;
      const pi = p[i]!;
      for (let j = k + 1; j < size; j++) a[row + j]! -= vi * p[j]! + pi * v[j]!;
    }
    yield;
  }
  if (size > 1) {
    diagonal[size - 2] = a[(size - 2) * size + size - 2]!;
    below[size - 2] = a[(size - 2) * size + size - 1]!;
  }
  if (size > 0) diagonal[size - 1] = a[size * size - 1]!;

  // Q = H0 H1 … built from the last reflector on; kept transposed, so Qᵀ gets a reflection from the right: rows stay
  // contiguous.
  const rows = new Float64Array(size * size);
  for (let i = 0; i < size; i++) rows[i * size + i] = 1;
  for (let k = size - 3; k >= 0; k--) {
    const scale = scales[k]!;
    if (scale === 0) continue;
    const v = a.subarray(k * size, (k + 1) * size);
    for (let i = k + 1; i < size; i++) {
      const row = i * size;
      let sum = 0;
      for (let j = k + 1; j < size; j++) sum += rows[row + j]! * v[j]!;
      sum *= scale;
      for (let j = k + 1; j < size; j++) rows[row + j]! -= sum * v[j]!;
    }
    yield;
  }
  return rows;
}

/** Turns the tridiagonal matrix into its eigenvalues (in `diagonal`), applying every rotation to `rows`. */
function* implicitQl(diagonal: Float64Array, below: Float64Array, rows: Float64Array, size: number): Sliced<void> {
  let norm = 0;
  for (let i = 0; i < size; i++) norm = Math.max(norm, Math.abs(diagonal[i]!) + Math.abs(below[i]!));
  const negligible = norm * 2 ** -60;
  for (let start = 0; start < size; start++) {
    for (let round = 0; ; round++) {
      let end = start;
      while (end < size - 1) {
        const off = Math.abs(below[end]!);
        if (off <= negligible || off <= Number.EPSILON * (Math.abs(diagonal[end]!) + Math.abs(diagonal[end + 1]!)))
          break;
        end++;
      }
      if (end === start) break;
      if (round === 60) throw new Error('the eigenvalues of the covariance do not converge; is there a NaN in it?');
      let g = (diagonal[start + 1]! - diagonal[start]!) / (2 * below[start]!);
      let r = Math.hypot(g, 1);
      g = diagonal[end]! - diagonal[start]! + below[start]! / (g + (g < 0 ? -r : r));
      let sine = 1;
      let cosine = 1;
      let shift = 0;
      let i = end - 1;
      for (; i >= start; i--) {
        const f = sine * below[i]!;
        const b = cosine * below[i]!;
        r = Math.hypot(f, g);
        below[i + 1] = r;
        if (r === 0) {
          diagonal[i + 1]! -= shift;
          below[end] = 0;
          break;
        }
        sine = f / r;
        cosine = g / r;
        g = diagonal[i + 1]! - shift;
        r = (diagonal[i]! - g) * sine + 2 * cosine * b;
        shift = sine * r;
        diagonal[i + 1] = g + shift;
        g = cosine * r - b;
        rotate(rows, i * size, (i + 1) * size, size, cosine, sine);
      }
      yield;
      if (i >= start) continue;
      diagonal[start]! -= shift;
      below[start] = g;
      below[end] = 0;
    }
  }
}

function rotate(rows: Float64Array, first: number, second: number, size: number, cosine: number, sine: number): void {
  for (let k = 0; k < size; k++) {
    const a = rows[first + k]!;
    const b = rows[second + k]!;
    rows[second + k] = sine * a + cosine * b;
    rows[first + k] = cosine * a - sine * b;
  }
}
