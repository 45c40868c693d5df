// Products of two blocks of rows, and the scan that offers them to candidate lists.

import { offer } from './lists';
import { sumF32, sumI32 } from './math';
import { PEAK } from './peak';

/** int8 rows widened to int16, `[rows, width]`. */
export function widen(from: usize, to: usize, values: i32): void {
  for (let i: usize = 0; i < <usize>values; i += 16) {
    const bytes = v128.load(from + i);
    v128.store(to + (i << 1), i16x8.extend_low_i8x16_s(bytes));
    v128.store(to + (i << 1), i16x8.extend_high_i8x16_s(bytes), 16);
  }
}

/** Adds the peak of quantised values to them: unsigned bytes whose zero point it is. */
export function lift(at: usize, values: i32): void {
  const peak = i8x16.splat(PEAK);
  for (let i: usize = 0; i < <usize>values; i += 16) v128.store(at + i, i8x16.add(v128.load(at + i), peak));
}

/** `[rows, width]` bytes to `[width, rows]`; `width` is a multiple of 16, `rows` of 16. */
export function transposeBytes(from: usize, to: usize, rows: i32, width: i32): void {
  const w = <usize>width;
  const n = <usize>rows;
  for (let r: usize = 0; r < n; r += 16) {
    for (let c: usize = 0; c < w; c += 16) {
      const at = from + r * w + c;
      let a0 = v128.load(at);
      let a1 = v128.load(at + w);
      let a2 = v128.load(at + w * 2);
      let a3 = v128.load(at + w * 3);
      let a4 = v128.load(at + w * 4);
      let a5 = v128.load(at + w * 5);
      let a6 = v128.load(at + w * 6);
      let a7 = v128.load(at + w * 7);
      let a8 = v128.load(at + w * 8);
      let a9 = v128.load(at + w * 9);
      let aa = v128.load(at + w * 10);
      let ab = v128.load(at + w * 11);
      let ac = v128.load(at + w * 12);
      let ad = v128.load(at + w * 13);
      let ae = v128.load(at + w * 14);
      let af = v128.load(at + w * 15);
      // Four rounds of interleaving row i with row i + 8 transpose a 16 x 16 block.
      for (let round = 0; round < 4; round++) {
        const b0 = low(a0, a8);
        const b1 = high(a0, a8);
        const b2 = low(a1, a9);
        const b3 = high(a1, a9);
        const b4 = low(a2, aa);
        const b5 = high(a2, aa);
        const b6 = low(a3, ab);
        const b7 = high(a3, ab);
        const b8 = low(a4, ac);
        const b9 = high(a4, ac);
        const ba = low(a5, ad);
        const bb = high(a5, ad);
        const bc = low(a6, ae);
        const bd = high(a6, ae);
        const be = low(a7, af);
        const bf = high(a7, af);
        a0 = b0;
        a1 = b1;
        a2 = b2;
        a3 = b3;
        a4 = b4;
        a5 = b5;
        a6 = b6;
        a7 = b7;
        a8 = b8;
        a9 = b9;
        aa = ba;
        ab = bb;
        ac = bc;
        ad = bd;
        ae = be;
        af = bf;
      }
      const out = to + c * n + r;
      v128.store(out, a0);
      v128.store(out + n, a1);
      v128.store(out + n * 2, a2);
      v128.store(out + n * 3, a3);
      v128.store(out + n * 4, a4);
      v128.store(out + n * 5, a5);
      v128.store(out + n * 6, a6);
      v128.store(out + n * 7, a7);
      v128.store(out + n * 8, a8);
      v128.store(out + n * 9, a9);
      v128.store(out + n * 10, aa);
      v128.store(out + n * 11, ab);
      v128.store(out + n * 12, ac);
      v128.store(out + n * 13, ad);
      v128.store(out + n * 14, ae);
      v128.store(out + n * 15, af);
    }
  }
}

// @ts-ignore: decorator
@inline
function low(a: v128, b: v128): v128 {
  return v128.shuffle<i8>(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}

// @ts-ignore: decorator
@inline
function high(a: v128, b: v128): v128 {
  return v128.shuffle<i8>(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}

/**
 * `out[i, j] = a row i · b row j` of int16 rows (values of an int8), for rows `from` to `to` of b; counts are multiples
 * of 4.
 */
export function multiplyInt(a: usize, b: usize, out: usize, rowsA: i32, rowsB: i32, width: i32, from: i32, to: i32): void {
  const bytes = <usize>width << 1;
  const line = <usize>rowsB << 2;
  for (let i = 0; i < rowsA; i += 4) {
    const a0 = a + <usize>i * bytes;
    const a1 = a0 + bytes;
    const a2 = a1 + bytes;
    const a3 = a2 + bytes;
    for (let j = from; j < to; j += 2) {
      const b0 = b + <usize>j * bytes;
      const b1 = b0 + bytes;
      let s00 = i32x4.splat(0);
      let s01 = i32x4.splat(0);
      let s10 = i32x4.splat(0);
      let s11 = i32x4.splat(0);
      let s20 = i32x4.splat(0);
      let s21 = i32x4.splat(0);
      let s30 = i32x4.splat(0);
      let s31 = i32x4.splat(0);
      for (let c: usize = 0; c < bytes; c += 16) {
        const x = v128.load(b0 + c);
        const y = v128.load(b1 + c);
        const p = v128.load(a0 + c);
        s00 = i32x4.add(s00, i32x4.dot_i16x8_s(p, x));
        s01 = i32x4.add(s01, i32x4.dot_i16x8_s(p, y));
        const q = v128.load(a1 + c);
        s10 = i32x4.add(s10, i32x4.dot_i16x8_s(q, x));
        s11 = i32x4.add(s11, i32x4.dot_i16x8_s(q, y));
        const r = v128.load(a2 + c);
        s20 = i32x4.add(s20, i32x4.dot_i16x8_s(r, x));
        s21 = i32x4.add(s21, i32x4.dot_i16x8_s(r, y));
        const s = v128.load(a3 + c);
        s30 = i32x4.add(s30, i32x4.dot_i16x8_s(s, x));
        s31 = i32x4.add(s31, i32x4.dot_i16x8_s(s, y));
      }
      const at = out + <usize>i * line + (<usize>j << 2);
      store<i32>(at, sumI32(s00));
      store<i32>(at, sumI32(s01), 4);
      store<i32>(at + line, sumI32(s10));
      store<i32>(at + line, sumI32(s11), 4);
      store<i32>(at + 2 * line, sumI32(s20));
      store<i32>(at + 2 * line, sumI32(s21), 4);
      store<i32>(at + 3 * line, sumI32(s30));
      store<i32>(at + 3 * line, sumI32(s31), 4);
    }
  }
}

/** The same for float32 rows. */
export function multiplyFloat(a: usize, b: usize, out: usize, rowsA: i32, rowsB: i32, width: i32, from: i32, to: i32): void {
  const bytes = <usize>width << 2;
  const line = <usize>rowsB << 2;
  for (let i = 0; i < rowsA; i += 4) {
    const a0 = a + <usize>i * bytes;
    const a1 = a0 + bytes;
    const a2 = a1 + bytes;
    const a3 = a2 + bytes;
    for (let j = from; j < to; j += 2) {
      const b0 = b + <usize>j * bytes;
      const b1 = b0 + bytes;
      let s00 = f32x4.splat(0);
      let s01 = f32x4.splat(0);
      let s10 = f32x4.splat(0);
      let s11 = f32x4.splat(0);
      let s20 = f32x4.splat(0);
      let s21 = f32x4.splat(0);
      let s30 = f32x4.splat(0);
      let s31 = f32x4.splat(0);
      for (let c: usize = 0; c < bytes; c += 16) {
        const x = v128.load(b0 + c);
        const y = v128.load(b1 + c);
        const p = v128.load(a0 + c);
        s00 = f32x4.add(s00, f32x4.mul(p, x));
        s01 = f32x4.add(s01, f32x4.mul(p, y));
        const q = v128.load(a1 + c);
        s10 = f32x4.add(s10, f32x4.mul(q, x));
        s11 = f32x4.add(s11, f32x4.mul(q, y));
        const r = v128.load(a2 + c);
        s20 = f32x4.add(s20, f32x4.mul(r, x));
        s21 = f32x4.add(s21, f32x4.mul(r, y));
        const s = v128.load(a3 + c);
        s30 = f32x4.add(s30, f32x4.mul(s, x));
        s31 = f32x4.add(s31, f32x4.mul(s, y));
      }
      const at = out + <usize>i * line + (<usize>j << 2);
      store<f32>(at, sumF32(s00));
      store<f32>(at, sumF32(s01), 4);
      store<f32>(at + line, sumF32(s10));
      store<f32>(at + line, sumF32(s11), 4);
      store<f32>(at + 2 * line, sumF32(s20));
      store<f32>(at + 2 * line, sumF32(s21), 4);
      store<f32>(at + 3 * line, sumF32(s30));
      store<f32>(at + 3 * line, sumF32(s31), 4);
    }
  }
}

/** Manhattan: `out[i, j] = -sum |a - b|`, so that larger is nearer. */
export function multiplyManhattan(a: usize, b: usize, out: usize, rowsA: i32, rowsB: i32, width: i32, from: i32, to: i32): void {
  const bytes = <usize>width << 2;
  const line = <usize>rowsB << 2;
  for (let i = 0; i < rowsA; i += 4) {
    const a0 = a + <usize>i * bytes;
    const a1 = a0 + bytes;
    const a2 = a1 + bytes;
    const a3 = a2 + bytes;
    for (let j = from; j < to; j += 2) {
      const b0 = b + <usize>j * bytes;
      const b1 = b0 + bytes;
      let s00 = f32x4.splat(0);
      let s01 = f32x4.splat(0);
      let s10 = f32x4.splat(0);
      let s11 = f32x4.splat(0);
      let s20 = f32x4.splat(0);
      let s21 = f32x4.splat(0);
      let s30 = f32x4.splat(0);
      let s31 = f32x4.splat(0);
      for (let c: usize = 0; c < bytes; c += 16) {
        const x = v128.load(b0 + c);
        const y = v128.load(b1 + c);
        const p = v128.load(a0 + c);
        s00 = f32x4.sub(s00, f32x4.abs(f32x4.sub(p, x)));
        s01 = f32x4.sub(s01, f32x4.abs(f32x4.sub(p, y)));
        const q = v128.load(a1 + c);
        s10 = f32x4.sub(s10, f32x4.abs(f32x4.sub(q, x)));
        s11 = f32x4.sub(s11, f32x4.abs(f32x4.sub(q, y)));
        const r = v128.load(a2 + c);
        s20 = f32x4.sub(s20, f32x4.abs(f32x4.sub(r, x)));
        s21 = f32x4.sub(s21, f32x4.abs(f32x4.sub(r, y)));
        const s = v128.load(a3 + c);
        s30 = f32x4.sub(s30, f32x4.abs(f32x4.sub(s, x)));
        s31 = f32x4.sub(s31, f32x4.abs(f32x4.sub(s, y)));
      }
      const at = out + <usize>i * line + (<usize>j << 2);
      store<f32>(at, sumF32(s00));
      store<f32>(at, sumF32(s01), 4);
      store<f32>(at + line, sumF32(s10));
      store<f32>(at + line, sumF32(s11), 4);
      store<f32>(at + 2 * line, sumF32(s20));
      store<f32>(at + 2 * line, sumF32(s21), 4);
      store<f32>(at + 3 * line, sumF32(s30));
      store<f32>(at + 3 * line, sumF32(s31), 4);
    }
  }
}

// @ts-ignore: decorator
@inline
function value(at: usize, whole: bool): v128 {
  return whole ? f32x4.convert_i32x4_s(v128.load(at)) : v128.load(at);
}

/**
 * Offers every product of a block to the lists of its rows and, when `both`, to those of its columns; a block on the
 * diagonal counts only what stands right of it. Score of row i for column j: product * scaleI[i] * scaleJ[j] +
 * biasJ[j]; of column j for row i the same with biasI[i]. Pointers are those of the first row and the first column of
 * the block; `baseI`, `baseJ` their numbers.
 */
export function scanTile(
  tile: usize, line: i32, rows: i32, columns: i32, whole: bool, both: bool, diagonal: bool,
  scaleI: usize, biasI: usize, baseI: u32, scoresI: usize, indicesI: usize, limitsI: usize,
  scaleJ: usize, biasJ: usize, baseJ: u32, scoresJ: usize, indicesJ: usize, limitsJ: usize, size: i32,
): void {
  const list = <usize>size << 2;
  for (let r = 0; r < rows; r++) {
    const at4 = <usize>r << 2;
    const from = tile + <usize>r * (<usize>line << 2);
    const own = load<f32>(scaleI + at4);
    const bias = load<f32>(biasI + at4);
    const scores = scoresI + <usize>r * list;
    const indices = indicesI + <usize>r * list;
    const first = diagonal ? r + 1 : 0;
    let limit = load<f32>(limitsI + at4);
    // One loop for each kind: a test in the loop would cost as much as the rest of it.
    if (whole) {
      if (both) limit = scanRow(from, first, columns, true, true, own, bias, scaleJ, biasJ, scores, indices, limit, baseI + r, baseJ, scoresJ, indicesJ, limitsJ, size, list);
      else limit = scanRow(from, first, columns, true, false, own, bias, scaleJ, biasJ, scores, indices, limit, baseI + r, baseJ, scoresJ, indicesJ, limitsJ, size, list);
    } else {
      if (both) limit = scanRow(from, first, columns, false, true, own, bias, scaleJ, biasJ, scores, indices, limit, baseI + r, baseJ, scoresJ, indicesJ, limitsJ, size, list);
      else limit = scanRow(from, first, columns, false, false, own, bias, scaleJ, biasJ, scores, indices, limit, baseI + r, baseJ, scoresJ, indicesJ, limitsJ, size, list);
    }
    store<f32>(limitsI + at4, limit);
  }
}

// @ts-ignore: decorator
@inline
function scanRow(
  from: usize, first: i32, columns: i32, whole: bool, both: bool, own: f32, bias: f32, scaleJ: usize, biasJ: usize, scores: usize, indices: usize, start: f32, i: u32, baseJ: u32,
  scoresJ: usize, indicesJ: usize, limitsJ: usize, size: i32, list: usize,
): f32 {
  const owns = f32x4.splat(own);
  const biases = f32x4.splat(bias);
  let limit = start;
  let limits = f32x4.splat(limit);
  let c = first;
  for (; c + 8 <= columns; c += 8) {
    const c4 = <usize>c << 2;
    const v = f32x4.mul(f32x4.mul(value(from + c4, whole), owns), v128.load(scaleJ + c4));
    const w = f32x4.mul(f32x4.mul(value(from + c4 + 16, whole), owns), v128.load(scaleJ + c4, 16));
    let hit = v128.or(f32x4.ge(f32x4.add(v, v128.load(biasJ + c4)), limits), f32x4.ge(f32x4.add(w, v128.load(biasJ + c4, 16)), limits));
    if (both) {
      hit = v128.or(hit, f32x4.ge(f32x4.add(v, biases), v128.load(limitsJ + c4)));
      hit = v128.or(hit, f32x4.ge(f32x4.add(w, biases), v128.load(limitsJ + c4, 16)));
    }
    if (v128.any_true(hit)) {
      for (let k = c; k < c + 8; k++) limit = offerPair(from, k, whole, both, own, bias, scaleJ, biasJ, scores, indices, limit, i, baseJ, scoresJ, indicesJ, limitsJ, size, list);
      limits = f32x4.splat(limit);
    }
  }
  for (; c < columns; c++) limit = offerPair(from, c, whole, both, own, bias, scaleJ, biasJ, scores, indices, limit, i, baseJ, scoresJ, indicesJ, limitsJ, size, list);
  return limit;
}

function offerPair(
  from: usize, k: i32, whole: bool, both: bool, own: f32, bias: f32, scaleJ: usize, biasJ: usize, scores: usize, indices: usize, limit: f32, i: u32, baseJ: u32,
  scoresJ: usize, indicesJ: usize, limitsJ: usize, size: i32, list: usize,
): f32 {
  const k4 = <usize>k << 2;
  const product: f32 = whole ? <f32>load<i32>(from + k4) : load<f32>(from + k4);
  const v = product * own * load<f32>(scaleJ + k4);
  const s = v + load<f32>(biasJ + k4);
  let next = limit;
  // A limit may come from another thread's list: it is never lowered to this one's.
  if (s >= limit) next = max<f32>(limit, offer(scores, indices, size, s, baseJ + k));
  if (both) {
    const t = v + bias;
    const other = load<f32>(limitsJ + k4);
    if (t >= other) store<f32>(limitsJ + k4, max<f32>(other, offer(scoresJ + <usize>k * list, indicesJ + <usize>k * list, size, t, i)));
  }
  return next;
}
