// What is done to token rows before they are compared: checks, unit length, quantisation, the few principal axes of a
// start.

import { sumF32 } from './math';
import { PEAK } from './peak';

// Rows are `stride` float32 wide, a multiple of 16; columns past `channels` are 0. Kinds: 0 euclidean and manhattan, 1
// cosine, 2 correlation.

/**
 * Brings one row into the form that is compared. Returns 1 when a value is NaN or infinite, else 0. Writes what brings
 * it back, row x length + mean, to `length` and `meanOut`, unless `length` is 0.
 */
export function prepareRow(row: usize, channels: i32, kind: i32, length: usize, meanOut: usize): i32 {
  let check = f32x4.splat(0);
  let at = row;
  const end = row + (<usize>channels << 2);
  const blocks = row + ((<usize>channels >> 2) << 4);
  for (; at < blocks; at += 16) check = f32x4.add(check, f32x4.mul(v128.load(at), f32x4.splat(0)));
  let bad: f32 = sumF32(check);
  for (; at < end; at += 4) bad += load<f32>(at) * 0;
  if (bad != 0) return 1;
  if (length) {
    store<f32>(length, 1);
    store<f32>(meanOut, 0);
  }
  if (kind == 0) return 0;
  store<f32>(end, 0); // rows before this one may have left a mark
  let mean: f64 = 0;
  let size: f64 = 0;
  if (kind == 2) {
    let sums = f64x2.splat(0);
    for (at = row; at < blocks; at += 8) sums = f64x2.add(sums, f64x2.promote_low_f32x4(v128.load64_zero(at)));
    mean = f64x2.extract_lane(sums, 0) + f64x2.extract_lane(sums, 1);
    for (; at < end; at += 4) mean += <f64>load<f32>(at);
    mean /= <f64>channels;
    // A constant row is a zero row; rounding leaves about 1e-8 of its value.
    size = mean * mean * <f64>channels * 1e-14;
  }
  const means = f64x2.splat(mean);
  let even = f64x2.splat(0);
  let odd = f64x2.splat(0);
  for (at = row; at < blocks; at += 16) {
    const x = f64x2.sub(f64x2.promote_low_f32x4(v128.load64_zero(at)), means);
    const y = f64x2.sub(f64x2.promote_low_f32x4(v128.load64_zero(at, 8)), means);
    even = f64x2.add(even, f64x2.mul(x, x));
    odd = f64x2.add(odd, f64x2.mul(y, y));
  }
  const both = f64x2.add(even, odd);
  let square = f64x2.extract_lane(both, 0) + f64x2.extract_lane(both, 1);
  for (; at < end; at += 4) {
    const x = <f64>load<f32>(at) - mean;
    square += x * x;
  }
  if (length) {
    store<f32>(length, square <= size ? 0 : <f32>sqrt<f64>(square));
    store<f32>(meanOut, <f32>mean);
  }
  if (square <= size) {
    // Zero rows become a unit vector of their own: 0 from one another, at right angles to the rest.
    for (at = row; at < end; at += 4) store<f32>(at, 0);
    store<f32>(end, 1);
    return 0;
  }
  const factor = 1.0 / sqrt<f64>(square);
  const factors = f64x2.splat(factor);
  for (at = row; at < blocks; at += 16) {
    const x = f32x4.demote_f64x2_zero(f64x2.mul(f64x2.sub(f64x2.promote_low_f32x4(v128.load64_zero(at)), means), factors));
    const y = f32x4.demote_f64x2_zero(f64x2.mul(f64x2.sub(f64x2.promote_low_f32x4(v128.load64_zero(at, 8)), means), factors));
    v128.store(at, v128.shuffle<i64>(x, y, 0, 2));
  }
  for (; at < end; at += 4) store<f32>(at, <f32>((<f64>load<f32>(at) - mean) * factor));
  return 0;
}

/** Mean of `count` rows at `rows[first + i * step]`, summed in float64 at `sums`, written as float32. */
export function meanRow(rows: usize, stride: i32, indices: usize, count: i32, sums: usize, out: usize): void {
  memory.fill(sums, 0, <usize>stride << 3);
  for (let i = 0; i < count; i++) {
    const row = rows + <usize>load<u32>(indices + (<usize>i << 2)) * (<usize>stride << 2);
    for (let c: usize = 0; c < <usize>stride; c += 2) {
      const at = sums + (c << 3);
      v128.store(at, f64x2.add(v128.load(at), f64x2.promote_low_f32x4(v128.load64_zero(row + (c << 2)))));
    }
  }
  for (let c: usize = 0; c < <usize>stride; c++) store<f32>(out + (c << 2), <f32>(load<f64>(sums + (c << 3)) / <f64>count));
}

/**
 * int8 of one row less the mean, its scale (value = int8 x scale) and its bias: what is added to the scaled product
 * with another row's int8 to rank that other row's neighbours. Kind 0: -|r|²/2; else mean · r.
 */
export function quantizeRow(row: usize, mean: usize, stride: i32, kind: i32, out: usize, scale: usize, bias: usize): void {
  const bytes = <usize>stride << 2;
  let largest = f32x4.splat(0);
  let sum: f64 = 0;
  for (let c: usize = 0; c < bytes; c += 16) {
    const m = v128.load(mean + c);
    const r = f32x4.sub(v128.load(row + c), m);
    largest = f32x4.pmax(largest, f32x4.abs(r));
    sum += <f64>sumF32(f32x4.mul(kind == 0 ? r : m, r));
  }
  const peak: f32 = max<f32>(
    max<f32>(f32x4.extract_lane(largest, 0), f32x4.extract_lane(largest, 1)),
    max<f32>(f32x4.extract_lane(largest, 2), f32x4.extract_lane(largest, 3)),
  );
  const factor = f32x4.splat(peak > 0 ? <f32>PEAK / peak : 0);
  for (let c: usize = 0; c < bytes; c += 64) {
    const a = quad(row + c, mean + c, factor);
    const b = quad(row + c + 16, mean + c + 16, factor);
    const d = quad(row + c + 32, mean + c + 32, factor);
    const e = quad(row + c + 48, mean + c + 48, factor);
    v128.store(out + (c >> 2), i8x16.narrow_i16x8_s(i16x8.narrow_i32x4_s(a, b), i16x8.narrow_i32x4_s(d, e)));
  }
  store<f32>(scale, peak / <f32>PEAK);
  store<f32>(bias, <f32>(kind == 0 ? -0.5 * sum : sum));
}

// @ts-ignore: decorator
@inline
function quad(row: usize, mean: usize, factor: v128): v128 {
  return i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(f32x4.sub(v128.load(row), v128.load(mean)), factor)));
}

/** `out = row - mean`, for products in float32. */
export function centreRows(rows: usize, mean: usize, stride: i32, count: i32): void {
  const bytes = <usize>stride << 2;
  for (let i = 0; i < count; i++) {
    const row = rows + <usize>i * bytes;
    for (let c: usize = 0; c < bytes; c += 16) v128.store(row + c, f32x4.sub(v128.load(row + c), v128.load(mean + c)));
  }
}

/** Products of one row with `count` axes, `[count, stride]`: `out[k] = axis k · row - offsets[k]`. */
export function projectRow(row: usize, axes: usize, stride: i32, count: i32, offsets: usize, out: usize): void {
  const bytes = <usize>stride << 2;
  for (let k = 0; k < count; k++) {
    const axis = axes + <usize>k * bytes;
    let a = f32x4.splat(0);
    let b = f32x4.splat(0);
    let d = f32x4.splat(0);
    let e = f32x4.splat(0);
    for (let c: usize = 0; c < bytes; c += 64) {
      a = f32x4.add(a, f32x4.mul(v128.load(row + c), v128.load(axis + c)));
      b = f32x4.add(b, f32x4.mul(v128.load(row + c, 16), v128.load(axis + c, 16)));
      d = f32x4.add(d, f32x4.mul(v128.load(row + c, 32), v128.load(axis + c, 32)));
      e = f32x4.add(e, f32x4.mul(v128.load(row + c, 48), v128.load(axis + c, 48)));
    }
    store<f32>(out + (<usize>k << 2), sumF32(f32x4.add(f32x4.add(a, b), f32x4.add(d, e))) - load<f32>(offsets + (<usize>k << 2)));
  }
}

/** `out[k] += y[k] * row` for `count` values of y: the second half of a pass of subspace iteration. */
export function spreadRow(row: usize, y: usize, stride: i32, count: i32, out: usize): void {
  const bytes = <usize>stride << 2;
  for (let k = 0; k < count; k++) {
    const factor = v128.load32_splat(y + (<usize>k << 2));
    const into = out + <usize>k * bytes;
    for (let c: usize = 0; c < bytes; c += 16) v128.store(into + c, f32x4.add(v128.load(into + c), f32x4.mul(factor, v128.load(row + c))));
  }
}

/**
 * Makes `count` rows of `stride` values orthonormal, from row `from` to `to` (those before are done); what depends on
 * the others becomes 0.
 */
export function orthonormalize(rows: usize, stride: i32, from: i32, to: i32): void {
  const bytes = <usize>stride << 2;
  for (let k = from; k < to; k++) {
    const row = rows + <usize>k * bytes;
    const before = dotRows(row, row, bytes);
    for (let l = 0; l < k; l++) {
      const other = rows + <usize>l * bytes;
      const factor = f32x4.splat(-dotRows(row, other, bytes));
      for (let c: usize = 0; c < bytes; c += 16) v128.store(row + c, f32x4.add(v128.load(row + c), f32x4.mul(factor, v128.load(other + c))));
    }
    const square = dotRows(row, row, bytes);
    const scale = f32x4.splat(square > before * <f32>1e-6 && square > <f32>1e-30 ? <f32>1 / sqrt<f32>(square) : 0);
    for (let c: usize = 0; c < bytes; c += 16) v128.store(row + c, f32x4.mul(v128.load(row + c), scale));
  }
}

// @ts-ignore: decorator
@inline
function dotRows(a: usize, b: usize, bytes: usize): f32 {
  let p = f32x4.splat(0);
  let q = f32x4.splat(0);
  for (let c: usize = 0; c < bytes; c += 32) {
    p = f32x4.add(p, f32x4.mul(v128.load(a + c), v128.load(b + c)));
    q = f32x4.add(q, f32x4.mul(v128.load(a + c, 16), v128.load(b + c, 16)));
  }
  return sumF32(f32x4.add(p, q));
}

/**
 * Mixes `count` rows (a power of 2) by a Hadamard transform, so that all of them weigh alike: `out = H rows /
 * sqrt(count)`, after the signs that the caller gave them.
 */
export function mixRows(rows: usize, stride: i32, count: i32): void {
  const bytes = <usize>stride << 2;
  const half = f32x4.splat(<f32>Math.SQRT1_2);
  for (let span = 1; span < count; span <<= 1) {
    for (let k = 0; k < count; k++) {
      if (k & span) continue;
      const a = rows + <usize>k * bytes;
      const b = rows + <usize>(k + span) * bytes;
      for (let c: usize = 0; c < bytes; c += 16) {
        const x = v128.load(a + c);
        const y = v128.load(b + c);
        v128.store(a + c, f32x4.mul(f32x4.add(x, y), half));
        v128.store(b + c, f32x4.mul(f32x4.sub(x, y), half));
      }
    }
  }
}

/**
 * int8 of one row of int32 products with `count` axes: value k is product k x axisScales[k] x rowScale = int8 x scale.
 */
export function narrowRow(products: usize, axisScales: usize, count: i32, rowScale: f32, out: usize, scale: usize): void {
  const bytes = <usize>count << 2;
  let largest = f32x4.splat(0);
  for (let c: usize = 0; c < bytes; c += 16) {
    const v = f32x4.mul(f32x4.convert_i32x4_s(v128.load(products + c)), v128.load(axisScales + c));
    v128.store(products + c, v);
    largest = f32x4.pmax(largest, f32x4.abs(v));
  }
  const peak: f32 = max<f32>(
    max<f32>(f32x4.extract_lane(largest, 0), f32x4.extract_lane(largest, 1)),
    max<f32>(f32x4.extract_lane(largest, 2), f32x4.extract_lane(largest, 3)),
  );
  const factor = f32x4.splat(peak > 0 ? <f32>PEAK / peak : 0);
  for (let c: usize = 0; c < bytes; c += 64) {
    v128.store(
      out + (c >> 2),
      i8x16.narrow_i16x8_s(
        i16x8.narrow_i32x4_s(whole(products + c, factor), whole(products + c + 16, factor)),
        i16x8.narrow_i32x4_s(whole(products + c + 32, factor), whole(products + c + 48, factor)),
      ),
    );
  }
  store<f32>(scale, (peak / <f32>PEAK) * rowScale);
}

// @ts-ignore: decorator
@inline
function whole(at: usize, factor: v128): v128 {
  return i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(v128.load(at), factor)));
}
