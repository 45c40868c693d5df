// From candidates to neighbours: exact distances in float32, in order.

import { offer } from './lists';
import { sumF32 } from './math';

/**
 * Kind 0: squared euclidean; 1, 2: half of it, which is 1 - cosine for unit rows and exactly 0 for equal ones; 3:
 * manhattan.
 */
export function distance(a: usize, b: usize, stride: i32, kind: i32): f32 {
  const bytes = <usize>stride << 2;
  let p = f32x4.splat(0);
  let q = f32x4.splat(0);
  let r = f32x4.splat(0);
  let s = f32x4.splat(0);
  if (kind == 3) {
    for (let c: usize = 0; c < bytes; c += 64) {
      p = f32x4.add(p, f32x4.abs(f32x4.sub(v128.load(a + c), v128.load(b + c))));
      q = f32x4.add(q, f32x4.abs(f32x4.sub(v128.load(a + c, 16), v128.load(b + c, 16))));
      r = f32x4.add(r, f32x4.abs(f32x4.sub(v128.load(a + c, 32), v128.load(b + c, 32))));
      s = f32x4.add(s, f32x4.abs(f32x4.sub(v128.load(a + c, 48), v128.load(b + c, 48))));
    }
    return sumF32(f32x4.add(f32x4.add(p, q), f32x4.add(r, s)));
  }
  for (let c: usize = 0; c < bytes; c += 64) {
    const d0 = f32x4.sub(v128.load(a + c), v128.load(b + c));
    const d1 = f32x4.sub(v128.load(a + c, 16), v128.load(b + c, 16));
    const d2 = f32x4.sub(v128.load(a + c, 32), v128.load(b + c, 32));
    const d3 = f32x4.sub(v128.load(a + c, 48), v128.load(b + c, 48));
    p = f32x4.add(p, f32x4.mul(d0, d0));
    q = f32x4.add(q, f32x4.mul(d1, d1));
    r = f32x4.add(r, f32x4.mul(d2, d2));
    s = f32x4.add(s, f32x4.mul(d3, d3));
  }
  const square = sumF32(f32x4.add(f32x4.add(p, q), f32x4.add(r, s)));
  return kind == 0 ? square : square * 0.5;
}

/** Joins `lists` candidate lists of one row (each `pitch` bytes after the former) into the first. */
export function joinLists(scores: usize, indices: usize, size: i32, lists: i32, pitch: usize): void {
  for (let t = 1; t < lists; t++) {
    for (let e: usize = 0; e < <usize>size; e++) {
      const index = load<u32>(indices + <usize>t * pitch + (e << 2));
      if (index != u32.MAX_VALUE) offer(scores, indices, size, load<f32>(scores + <usize>t * pitch + (e << 2)), index);
    }
  }
}

/**
 * Sorts the candidates of `row` by exact distance, then index, into `outIndices`, `outDistances` [count]. With `self`
 * not negative the row itself stands first, at 0. Missing entries (fewer candidates than `count`) are index 2^32 - 1.
 * Candidates are changed.
 */
export function rankRow(row: usize, rows: usize, stride: i32, kind: i32, scores: usize, indices: usize, size: i32, self: i32, count: i32, outIndices: usize, outDistances: usize): void {
  let filled = 0;
  for (let e: usize = 0; e < <usize>size; e++) {
    const index = load<u32>(indices + (e << 2));
    if (index == u32.MAX_VALUE) continue;
    let d = distance(row, rows + <usize>index * (<usize>stride << 2), stride, kind);
    if (d < 1e-12 && kind != 3) d = 0; // what rounding leaves of equal directions
    let at = filled++;
    while (at > 0) {
      const former = load<f32>(scores + (<usize>(at - 1) << 2));
      const name = load<u32>(indices + (<usize>(at - 1) << 2));
      if (former < d || (former == d && name < index)) break;
      store<f32>(scores + (<usize>at << 2), former);
      store<u32>(indices + (<usize>at << 2), name);
      at--;
    }
    store<f32>(scores + (<usize>at << 2), d);
    store<u32>(indices + (<usize>at << 2), index);
  }
  let first = 0;
  if (self >= 0) {
    store<u32>(outIndices, self);
    store<f32>(outDistances, 0);
    first = 1;
  }
  for (let k = first; k < count; k++) {
    const from = <usize>(k - first) << 2;
    const present = k - first < filled;
    const d: f32 = present ? load<f32>(scores + from) : 0;
    store<u32>(outIndices + (<usize>k << 2), present ? load<u32>(indices + from) : u32.MAX_VALUE);
    store<f32>(outDistances + (<usize>k << 2), kind == 0 ? sqrt<f32>(d) : d);
  }
}

/** Exact distances of one row to rows `from` to `to`, offered (negated) to its list; for the recall check. */
export function offerExact(row: usize, rows: usize, stride: i32, kind: i32, from: i32, to: i32, self: i32, scores: usize, indices: usize, size: i32): void {
  for (let j = from; j < to; j++) {
    if (j == self) continue;
    offer(scores, indices, size, -distance(row, rows + <usize>j * (<usize>stride << 2), stride, kind), j);
  }
}
