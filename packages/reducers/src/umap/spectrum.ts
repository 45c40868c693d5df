// The smallest eigenpairs of a graph's normalised Laplacian: Lanczos with full reorthogonalisation, in float64.

import { symmetricEigen } from '../pca/eigen.ts';
import type { Sliced } from '../shared/pace.ts';
import { seededRandom } from '../shared/seeded.ts';

/** A symmetric graph by rows: columns `columns[starts[i] … starts[i + 1])` with their weights. */
export interface Graph {
  readonly starts: Uint32Array;
  readonly columns: Uint32Array;
  readonly weights: Float32Array;
}

export interface Spectrum {
  /** Eigenvalues of I - D^-1/2 W D^-1/2, ascending, without the 0 of a connected graph. */
  readonly values: Float64Array;
  /** `[count, nodes]`, each of length 1, the largest entry positive. */
  readonly vectors: Float64Array;
  /** Largest |A v - λ v|. */
  readonly residual: number;
}

const largestBasis = 400;
const tolerance = 1e-8;

/**
 * The `count` smallest eigenpairs after the trivial one of a connected graph with at least count + 2 nodes. The trivial
 * vector (square roots of the degrees) is known, so it is taken out of every vector; what remains is sought as the
 * largest eigenvalues of D^-1/2 W D^-1/2.
 */
export function* smallestEigenpairs({ starts, columns, weights }: Graph, count: number): Sliced<Spectrum> {
  const nodes = starts.length - 1;
  const roots = new Float64Array(nodes);
  for (let i = 0; i < nodes; i++) for (let e = starts[i]!; e < starts[i + 1]!; e++) roots[i]! += weights[e]!;
  let total = 0;
  for (let i = 0; i < nodes; i++) {
    total += roots[i]!;
    roots[i] = Math.sqrt(roots[i]!);
  }
  const trivial = roots.map((root) => root / Math.sqrt(total));
  const limit = Math.min(nodes - 1, largestBasis);
  const basis: Float64Array[] = [];
  const alphas: number[] = [];
  const betas: number[] = [];
  const random = seededRandom(1, 5);
  const scaled = new Float64Array(nodes);

  const clear = (vector: Float64Array): void => {
    for (let pass = 0; pass < 2; pass++) {
      for (const other of [trivial, ...basis]) {
        let dot = 0;
        for (let i = 0; i < nodes; i++) dot += other[i]! * vector[i]!;
        for (let i = 0; i < nodes; i++) vector[i]! -= dot * other[i]!;
      }
    }
  };
  const fresh = (): Float64Array => {
    const vector = Float64Array.from({ length: nodes }, () => random() - 0.5);
    clear(vector);
    return unit(vector);
  };

  basis.push(fresh());
  let nextCheck = Math.min(limit, Math.max(20, 4 * count));
  for (;;) {
    const last = basis.at(-1)!;
    const image = new Float64Array(nodes);
    for (let i = 0; i < nodes; i++) scaled[i] = roots[i]! > 0 ? last[i]! / roots[i]! : 0;
    for (let i = 0; i < nodes; i++) {
      let sum = 0;
      for (let e = starts[i]!; e < starts[i + 1]!; e++) sum += weights[e]! * scaled[columns[e]!]!;
      image[i] = roots[i]! > 0 ? sum / roots[i]! : 0;
    }
    yield;
    let alpha = 0;
    for (let i = 0; i < nodes; i++) alpha += last[i]! * image[i]!;
    alphas.push(alpha);
    clear(image);
    yield;
    const beta = Math.sqrt(image.reduce((sum, value) => sum + value * value, 0));
    const size = basis.length;
    const exhausted = size >= limit;
    if (size >= nextCheck || exhausted) {
      nextCheck = Math.ceil(size * 1.3);
      const small = new Float64Array(size * size);
      for (let k = 0; k < size; k++) {
        small[k * size + k] = alphas[k]!;
        if (k + 1 < size) small[k * size + k + 1] = small[(k + 1) * size + k] = betas[k]!;
      }
      const { values, vectors } = yield* symmetricEigen(small, size);
      let residual = 0;
      for (let k = 0; k < count; k++) residual = Math.max(residual, Math.abs(beta * vectors[k * size + size - 1]!));
      if (residual <= tolerance || exhausted) return yield* collect(basis, values, vectors, count, nodes, residual);
    }
    if (beta > 1e-12) {
      betas.push(beta);
      basis.push(unit(image));
    } else {
      betas.push(0); // an invariant subspace: go on from chance
      basis.push(fresh());
    }
  }
}

function unit(vector: Float64Array): Float64Array {
  const length = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
  for (let i = 0; i < vector.length; i++) vector[i]! /= length;
  return vector;
}

function* collect(
  basis: readonly Float64Array[],
  values: Float64Array,
  small: Float64Array,
  count: number,
  nodes: number,
  residual: number,
): Sliced<Spectrum> {
  const vectors = new Float64Array(count * nodes);
  for (let k = 0; k < count; k++) {
    const out = vectors.subarray(k * nodes, (k + 1) * nodes);
    for (const [at, vector] of basis.entries()) {
      const factor = small[k * basis.length + at]!;
      for (let i = 0; i < nodes; i++) out[i]! += factor * vector[i]!;
      yield;
    }
    unit(out);
    let peak = 0;
    for (const value of out) if (Math.abs(value) > Math.abs(peak)) peak = value;
    if (peak < 0) for (let i = 0; i < nodes; i++) out[i] = -out[i]!;
  }
  return { values: values.slice(0, count).map((value) => 1 - value), vectors, residual };
}
