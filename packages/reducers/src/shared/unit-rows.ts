// Rows of length 1, so that euclidean arithmetic becomes that of angles.

import type { Sliced } from './pace.ts';

/** A copy of `[rows, channels]` with every row divided by its length; rows of zeros stay zeros. */
export function* unitRows(rows: Float32Array, channels: number): Sliced<Float32Array> {
  const out = new Float32Array(rows.length);
  for (let at = 0; at < rows.length; at += channels) {
    let square = 0;
    for (let j = at; j < at + channels; j++) square += rows[j]! * rows[j]!;
    const factor = square === 0 ? 0 : 1 / Math.sqrt(square);
    for (let j = at; j < at + channels; j++) out[j] = rows[j]! * factor;
    if ((at / channels) % 512 === 511) yield;
  }
  return out;
}

/** Cosine of the angle between two rows; 0 where one is all zeros, 1 where both are (as nothing differs). */
export function cosine(a: Float32Array, b: Float32Array): number {
  let [ab, aa, bb] = [0, 0, 0];
  for (let j = 0; j < a.length; j++) {
    const x = a[j]!;
    const y = b[j]!;
    ab += x * y;
    aa += x * x;
    bb += y * y;
  }
  if (aa === 0 || bb === 0) return aa === bb ? 1 : 0;
  return Math.max(-1, Math.min(1, ab / Math.sqrt(aa * bb)));
}
