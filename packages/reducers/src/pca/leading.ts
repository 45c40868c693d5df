// The largest eigenvalues and their eigenvectors of a big symmetric matrix: block Lanczos with full
// reorthogonalisation, in float64.

import { symmetricEigen, type EigenPairs } from './eigen.ts';
import type { Sliced } from '../shared/pace.ts';
import { seededNormal } from '../shared/seeded.ts';

/**
 * Several start vectors, so that an eigenvalue that stands several times is found as often; four also keep a row of the
 * matrix in cache while it is used.
 */
const block = 4;
/** Up to this size a dense solver is quicker. */
const denseSize = 160;

/**
 * The `count` largest eigenpairs of `matrix [size, size]` (positive semidefinite; overwritten only when it is small),
 * and possibly some more after them that are less exact. Residuals are at most `precision` of the largest eigenvalue.
 * Golub and van Loan, Matrix Computations, 10.3.6.
 */
export function* leadingEigenpairs(
  matrix: Float64Array,
  size: number,
  count: number,
  precision = 1e-13,
): Sliced<EigenPairs> {
  if (size <= denseSize || count * 6 > size) return yield* symmetricEigen(matrix, size);
  const random = seededNormal(1);
  let basis = new Float64Array(size * 16 * block);
  let projected = new Float64Array(0);
  const images = new Float64Array(size * block);
  let held = 0;
  let nextCheck = Math.max(12, 3 * count);

  const row = (index: number) => basis.subarray(index * size, (index + 1) * size);
  const append = (vector: Float64Array): void => {
    if ((held + 1) * size > basis.length) {
      const larger = new Float64Array(basis.length * 2);
      larger.set(basis);
      basis = larger;
    }
    const scale = length(vector);
    if (!orthogonalize(vector, basis, held, size) || !(length(vector) > scale * 1e-12)) {
      do {
        for (let i = 0; i < size; i++) vector[i] = random();
        orthogonalize(vector, basis, held, size);
      } while (!(length(vector) > 1e-6));
    }
    const factor = 1 / length(vector);
    for (let i = 0; i < size; i++) vector[i]! *= factor;
    row(held++).set(vector);
  };

  const fresh = new Float64Array(size);
  for (let i = 0; i < block; i++) {
    for (let j = 0; j < size; j++) fresh[j] = random();
    append(fresh);
  }
  for (let multiplied = 0; ;) {
    const width = held - multiplied;
    yield* multiply(matrix, size, basis, multiplied, width, images);
    const grown = new Float64Array(held * held);
    for (let i = 0; i < multiplied; i++) grown.set(projected.subarray(i * multiplied, (i + 1) * multiplied), i * held);
    for (let j = 0; j < width; j++) {
      const image = images.subarray(j * size, (j + 1) * size);
      for (let i = 0; i < held; i++)
        grown[i * held + multiplied + j] = grown[(multiplied + j) * held + i] = dot(row(i), image);
    }
    projected = grown;
    const former = multiplied;
    multiplied = held;
    yield;
    const room = Math.min(block, size - held);
    for (let j = 0; j < room; j++) append(images.slice(j * size, (j + 1) * size));
    yield;
    if (multiplied < nextCheck && room > 0) continue;
    nextCheck = Math.ceil(multiplied * 1.25);

    const { values, vectors } = yield* symmetricEigen(projected.slice(), multiplied);
    const coupling = new Float64Array(room * width);
    for (let i = 0; i < room; i++)
      for (let j = 0; j < width; j++)
        coupling[i * width + j] = dot(row(multiplied + i), images.subarray(j * size, (j + 1) * size));
    const tolerance = precision * Math.abs(values[0]!);
    let done = true;
    for (let k = 0; k < count && done; k++)
      done = residual(coupling, room, width, vectors, k * multiplied + former) <= tolerance;
    if (!done && room > 0) continue;

    const found = Math.min(multiplied, count + block);
    const answer = new Float64Array(found * size);
    for (let k = 0; k < found; k++) {
      const out = answer.subarray(k * size, (k + 1) * size);
      for (let i = 0; i < multiplied; i++) addScaled(out, row(i), vectors[k * multiplied + i]!);
      yield;
    }
    return { values: values.slice(0, found), vectors: answer };
  }
}

/** Length of `coupling · (entries of the Ritz vector that belong to the last block)`. */
function residual(coupling: Float64Array, rows: number, columns: number, vectors: Float64Array, at: number): number {
  let square = 0;
  for (let i = 0; i < rows; i++) {
    let sum = 0;
    for (let j = 0; j < columns; j++) sum += coupling[i * columns + j]! * vectors[at + j]!;
    square += sum * sum;
  }
  return Math.sqrt(square);
}

/** Takes the basis out of a vector, twice (once leaves rounding errors); false when nothing is left. */
function orthogonalize(vector: Float64Array, basis: Float64Array, held: number, size: number): boolean {
  for (let pass = 0; pass < 2; pass++) {
    const before = length(vector);
    if (!(before > 0)) return false;
    for (let i = 0; i < held; i++) {
      const other = basis.subarray(i * size, (i + 1) * size);
      addScaled(vector, other, -dot(other, vector));
    }
    if (!(length(vector) > before * 1e-13)) return false;
  }
  return true;
}

/**
 * `images [width, size] = basis[first …] · matrix`: two rows of the matrix against all vectors, eight sums at a time.
 */
function* multiply(
  matrix: Float64Array,
  size: number,
  basis: Float64Array,
  first: number,
  width: number,
  images: Float64Array,
): Sliced<void> {
  const vector = (i: number): Float64Array =>
    basis.subarray((first + Math.min(i, width - 1)) * size, (first + Math.min(i, width - 1) + 1) * size);
  const vectors = [vector(0), vector(1), vector(2), vector(3)] as const;
  const sums = new Float64Array(2 * block);
  for (let i = 0; i < size; i += 2) {
    const other = Math.min(i + 1, size - 1);
    twoRows(matrix, i * size, other * size, size, vectors, sums);
    for (let v = 0; v < width; v++) {
      images[v * size + i] = sums[v]!;
      images[v * size + other] = sums[block + v]!;
    }
    if (i % 512 === 510) yield;
  }
}

function twoRows(
  matrix: Float64Array,
  one: number,
  other: number,
  size: number,
  [a, b, c, d]: readonly [Float64Array, Float64Array, Float64Array, Float64Array],
  sums: Float64Array,
): void {
  let a1 = 0;
  let b1 = 0;
  let c1 = 0;
  let d1 = 0;
  let a2 = 0;
  let b2 = 0;
  let c2 = 0;
  let d2 = 0;
  for (let j = 0; j < size; j++) {
    const x = matrix[one + j]!;
    const y = matrix[other + j]!;
    const va = a[j]!;
    const vb = b[j]!;
    const vc = c[j]!;
    const vd = d[j]!;
    a1 += x * va;
    b1 += x * vb;
    c1 += x * vc;
    d1 += x * vd;
    a2 += y * va;
    b2 += y * vb;
    c2 += y * vc;
    d2 += y * vd;
  }
  sums[0] = a1;
  sums[1] = b1;
  sums[2] = c1;
  sums[3] = d1;
  sums[4] = a2;
  sums[5] = b2;
  sums[6] = c2;
  sums[7] = d2;
}

function dot(a: Float64Array, b: Float64Array): number {
  let even = 0;
  let odd = 0;
  let third = 0;
  let fourth = 0;
  let i = 0;
  for (; i + 3 < a.length; i += 4) {
    even += a[i]! * b[i]!;
    odd += a[i + 1]! * b[i + 1]!;
    third += a[i + 2]! * b[i + 2]!;
    fourth += a[i + 3]! * b[i + 3]!;
  }
  for (; i < a.length; i++) even += a[i]! * b[i]!;
  return even + odd + (third + fourth);
}

const length = (a: Float64Array): number => Math.sqrt(dot(a, a));

function addScaled(out: Float64Array, vector: Float64Array, factor: number): void {
  for (let i = 0; i < out.length; i++) out[i]! += factor * vector[i]!;
}
