// The largest eigenvalues and their eigenvectors of a big symmetric matrix: block Lanczos with full reorthogonalisation, in float64.

import { symmetricEigen, type EigenPairs } from './eigen.ts';
import type { Sliced } from './pace.ts';
import { seededNormal } from './seeded.ts';

/** Several start vectors, so that an eigenvalue that stands several times is found as often; four also keep a row of the matrix in cache while it is used. */
const block = 4;
/** Up to this size a dense solver is quicker. */
const denseSize = 160;

/**
 * The `count` largest eigenpairs of `matrix [size, size]` (positive semidefinite; overwritten only when it is small), and possibly some more after them that are
 * less exact. Residuals are at most 1e-13 of the largest eigenvalue. Golub and van Loan, Matrix Computations, 10.3.6.
 */
export function* leadingEigenpairs(matrix: Float64Array, size: number, count: number): Sliced<EigenPairs> {
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
  for (let multiplied = 0; ; ) {
    const width = held - multiplied;
    yield* multiply(matrix, size, basis, multiplied, width, images);
    const grown = new Float64Array(held * held);
    for (let i = 0; i < multiplied; i++) grown.set(projected.subarray(i * multiplied, (i + 1) * multiplied), i * held);
    for (let j = 0; j < width; j++) {
      const image = images.subarray(j * size, (j + 1) * size);
      for (let i = 0; i < held; i++) grown[i * held + multiplied + j] = grown[(multiplied + j) * held + i] = dot(row(i), image);
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
    for (let i = 0; i < room; i++) for (let j = 0; j < width; j++) coupling[i * width + j] = dot(row(multiplied + i), images.subarray(j * size, (j + 1) * size));
    const tolerance = 1e-13 * Math.abs(values[0]!);
    let done = true;
    for (let k = 0; k < count && done; k++) done = residual(coupling, room, width, vectors, k * multiplied + former) <= tolerance;
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

/** `images [width, size] = basis[first …] · matrix`, two rows of the matrix at a time. */
function* multiply(matrix: Float64Array, size: number, basis: Float64Array, first: number, width: number, images: Float64Array): Sliced<void> {
  const [a, b, c, d] = [0, 1, 2, 3].map((i) => basis.subarray((first + Math.min(i, width - 1)) * size, (first + Math.min(i, width - 1) + 1) * size)) as [
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  for (let i = 0; i < size; i++) {
    const at = i * size;
    let sa = 0;
    let sb = 0;
    let sc = 0;
    let sd = 0;
    for (let j = 0; j < size; j++) {
      const value = matrix[at + j]!;
      sa += value * a[j]!;
      sb += value * b[j]!;
      sc += value * c[j]!;
      sd += value * d[j]!;
    }
    images[i] = sa;
    if (width > 1) images[size + i] = sb;
    if (width > 2) images[2 * size + i] = sc;
    if (width > 3) images[3 * size + i] = sd;
    if (i % 512 === 511) yield;
  }
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
