// The layout: stochastic forces between points, after umap-learn 0.5.12 (umap/layouts.py), where the owner of a point
// moves it.

import { exp, log, mix, sumF32 } from './math';

// Positions are rows of `lanes` float32 (a multiple of 4, the rest 0). Forces depend on the squared distance alone:
// tables indexed by a float's high 16 bits.

/** Entries of a force table: all positive floats by sign, exponent and 7 bits of the fraction. */
const TABLE: usize = 32768;

/** Fills both tables: attraction, then repulsion, as factors of the difference (own - other). */
export function fillForces(table: usize, a: f64, b: f64, repulsion: f64): void {
  store<f32>(table, 0);
  store<f32>(table + (TABLE << 2), 0);
  for (let i: usize = 1; i < TABLE; i++) {
    const d = <f64>reinterpret<f32>((<u32>i << 16) | 0x8000);
    let pull: f64 = 0;
    let push: f64 = 0;
    if (d < 1e30) {
      const power = exp(b * log(d));
      pull = (-2.0 * a * b * (power / d)) / (a * power + 1.0);
      push = (2.0 * repulsion * b) / ((0.001 + d) * (a * power + 1.0));
    }
    store<f32>(table + (i << 2), <f32>max<f64>(pull, -1e30));
    store<f32>(table + ((TABLE + i) << 2), <f32>min<f64>(push, 1e30));
  }
}

// @ts-ignore: decorator
@inline
function factor(table: usize, square: f32): f32 {
  return load<f32>(table + (<usize>(reinterpret<u32>(square) >>> 16) << 2));
}

// @ts-ignore: decorator
@inline
function clip(v: v128): v128 {
  return f32x4.pmax(f32x4.pmin(v, f32x4.splat(4)), f32x4.splat(-4));
}

// @ts-ignore: decorator
@inline
function step(own: v128, other: v128, table: usize, alpha: v128): v128 {
  const d = f32x4.sub(own, other);
  const force = f32x4.splat(factor(table, sumF32(f32x4.mul(d, d))));
  return f32x4.mul(alpha, clip(f32x4.mul(force, d)));
}

/** Times that something due `rate` times an epoch is due at `epoch`: floor(epoch * rate) has just risen. */
// @ts-ignore: decorator
@inline
function due(rate: f32, epoch: f32): bool {
  return floor<f32>(epoch * rate) > floor<f32>((epoch - 1) * rate);
}

/** Edges looked through at once for those that are due. */
const BATCH: usize = 64;

/**
 * Writes the columns of due edges to `out`, from `e` on, at most BATCH edges; returns how many. Without a branch per
 * edge: which ones are due is as good as random. `rates` may be read up to three entries past the end.
 */
// @ts-ignore: decorator
@inline
function collectDue(rates: usize, columns: usize, e: usize, end: usize, now: v128, before: v128, out: usize): usize {
  let count: usize = 0;
  const stop = min<usize>(end, e + BATCH * 4);
  for (; e < stop; e += 16) {
    const r = v128.load(rates + e);
    let mask = i32x4.bitmask(f32x4.gt(f32x4.floor(f32x4.mul(r, now)), f32x4.floor(f32x4.mul(r, before))));
    if (stop - e < 16) mask &= (1 << <i32>((stop - e) >> 2)) - 1;
    store<u32>(out + (count << 2), load<u32>(columns + e));
    count += <usize>(mask & 1);
    store<u32>(out + (count << 2), load<u32>(columns + e, 4));
    count += <usize>((mask >> 1) & 1);
    store<u32>(out + (count << 2), load<u32>(columns + e, 8));
    count += <usize>((mask >> 2) & 1);
    store<u32>(out + (count << 2), load<u32>(columns + e, 12));
    count += <usize>(mask >> 3);
  }
  return count;
}

/**
 * One epoch for points `from` to `to`: reads positions of the former epoch, writes the next. Up to 4 components. The
 * pushes of an edge are all taken from where its pull leaves the point, so that they do not wait for one another. `due`
 * has room for 68 numbers.
 */
export function moveNarrow(
  source: usize, target: usize, starts: usize, columns: usize, rates: usize, from: i32, to: i32, points: i32, epoch: i32, alpha: f32, negatives: i32, seed: u32, table: usize, due: usize,
): void {
  const now = f32x4.splat(<f32>epoch);
  const before = f32x4.splat(<f32>(epoch - 1));
  const alphas = f32x4.splat(alpha);
  const push = table + (TABLE << 2);
  const stream = mix(seed ^ mix(<u32>epoch));
  const many = <u64>points;
  for (let i = from; i < to; i++) {
    let own = v128.load(source + (<usize>i << 4));
    let state = mix(stream + <u32>i * 0x9e3779b9);
    const end = <usize>load<u32>(starts + (<usize>i << 2), 4) << 2;
    for (let e = <usize>load<u32>(starts + (<usize>i << 2)) << 2; e < end; e += BATCH * 4) {
      const stop = due + (collectDue(rates, columns, e, end, now, before, due) << 2);
      for (let at = due; at < stop; at += 4) {
        own = f32x4.add(own, step(own, v128.load(source + (<usize>load<u32>(at) << 4)), table, alphas));
        let moved = f32x4.splat(0);
        for (let s = 0; s < negatives; s++) {
          state = state * 1664525 + 1013904223;
          const other = <u32>((<u64>(state ^ (state >>> 15)) * many) >> 32);
          if (other == <u32>i) continue;
          moved = f32x4.add(moved, step(own, v128.load(source + (<usize>other << 4)), push, alphas));
        }
        own = f32x4.add(own, moved);
      }
    }
    v128.store(target + (<usize>i << 4), own);
  }
}

/** The same for any number of components: `lanes` floats a row. */
export function moveWide(
  source: usize, target: usize, starts: usize, columns: usize, rates: usize, from: i32, to: i32, points: i32, epoch: i32, alpha: f32, negatives: i32, seed: u32, table: usize, lanes: i32,
): void {
  const now = <f32>epoch;
  const bytes = <usize>lanes << 2;
  const push = table + (TABLE << 2);
  const stream = mix(seed ^ mix(<u32>epoch));
  for (let i = from; i < to; i++) {
    const own = target + <usize>i * bytes;
    memory.copy(own, source + <usize>i * bytes, bytes);
    let state = mix(stream + <u32>i * 0x9e3779b9);
    const end = <usize>load<u32>(starts + (<usize>i << 2), 4) << 2;
    for (let e = <usize>load<u32>(starts + (<usize>i << 2)) << 2; e < end; e += 4) {
      if (!due(load<f32>(rates + e), now)) continue;
      stepWide(own, source + <usize>load<u32>(columns + e) * bytes, bytes, table, alpha);
      for (let s = 0; s < negatives; s++) {
        state = state * 1664525 + 1013904223;
        const other = <u32>((<u64>(state ^ (state >>> 15)) * <u64>points) >> 32);
        if (other != <u32>i) stepWide(own, source + <usize>other * bytes, bytes, push, alpha);
      }
    }
  }
}

function stepWide(own: usize, other: usize, bytes: usize, table: usize, alpha: f32): void {
  let square = f32x4.splat(0);
  for (let c: usize = 0; c < bytes; c += 16) {
    const d = f32x4.sub(v128.load(own + c), v128.load(other + c));
    square = f32x4.add(square, f32x4.mul(d, d));
  }
  const force = f32x4.splat(factor(table, sumF32(square)));
  const alphas = f32x4.splat(alpha);
  for (let c: usize = 0; c < bytes; c += 16) {
    const d = f32x4.sub(v128.load(own + c), v128.load(other + c));
    v128.store(own + c, f32x4.add(v128.load(own + c), f32x4.mul(alphas, clip(f32x4.mul(force, d)))));
  }
}

/**
 * Places one new point among fitted ones: starts at the mean of its neighbours weighted by membership, then only this
 * point moves. What is drawn depends on the start alone, so a token lands on the same spot whatever stands beside it.
 */
export function placeRow(
  own: usize, embedding: usize, lanes: i32, indices: usize, weights: usize, k: i32, points: i32, epochs: i32, alpha: f32, negatives: i32, seed: u32, table: usize,
): void {
  const bytes = <usize>lanes << 2;
  const push = table + (TABLE << 2);
  memory.fill(own, 0, bytes);
  let total: f32 = 0;
  let largest: f32 = 0;
  for (let j = 0; j < k; j++) {
    const w = load<f32>(weights + (<usize>j << 2));
    total += w;
    largest = max<f32>(largest, w);
  }
  if (!(total > 0)) return;
  for (let j = 0; j < k; j++) {
    const w = load<f32>(weights + (<usize>j << 2));
    if (!(w > 0)) continue;
    const share = f32x4.splat(w / total);
    const from = embedding + <usize>load<u32>(indices + (<usize>j << 2)) * bytes;
    for (let c: usize = 0; c < bytes; c += 16) v128.store(own + c, f32x4.add(v128.load(own + c), f32x4.mul(share, v128.load(from + c))));
  }
  let stream = seed;
  for (let c: usize = 0; c < bytes; c += 4) stream = mix(stream ^ load<u32>(own + c));
  const least: f32 = largest / <f32>epochs;
  for (let n = 1; n < epochs; n++) {
    const rate: f32 = alpha * (1 - <f32>(n - 1) / <f32>epochs);
    let state = mix(stream + <u32>n * 0x9e3779b9);
    for (let j = 0; j < k; j++) {
      const w = load<f32>(weights + (<usize>j << 2));
      if (w < least || !(w > 0) || !due(w / largest, <f32>n)) continue;
      stepWide(own, embedding + <usize>load<u32>(indices + (<usize>j << 2)) * bytes, bytes, table, rate);
      for (let s = 0; s < negatives; s++) {
        state = state * 1664525 + 1013904223;
        stepWide(own, embedding + <usize>((<u64>(state ^ (state >>> 15)) * <u64>points) >> 32) * bytes, bytes, push, rate);
      }
    }
  }
}

/** Squares of distances beyond this are alike: places that far away are near to nothing. */
const FAR: f32 = 1e38;

/**
 * The `k` of `points` positions nearest to `place`, in order of distance and then of number, into `indices` and
 * `distances`; there are `k` of them at least.
 */
export function nearestPlaces(place: usize, embedding: usize, lanes: i32, points: i32, k: i32, indices: usize, distances: usize): void {
  const bytes = <usize>lanes << 2;
  const last = <usize>(k - 1) << 2;
  for (let j: usize = 0; j <= last; j += 4) store<f32>(distances + j, Infinity);
  const first = v128.load(place);
  for (let i = 0; i < points; i++) {
    const at = embedding + <usize>i * bytes;
    const d = f32x4.sub(v128.load(at), first);
    let squares = f32x4.mul(d, d);
    for (let c: usize = 16; c < bytes; c += 16) {
      const more = f32x4.sub(v128.load(at + c), v128.load(place + c));
      squares = f32x4.add(squares, f32x4.mul(more, more));
    }
    const square = min<f32>(sumF32(squares), FAR);
    if (square >= load<f32>(distances + last)) continue;
    let to = last;
    for (; to > 0 && load<f32>(distances + to - 4) > square; to -= 4) {
      store<f32>(distances + to, load<f32>(distances + to - 4));
      store<u32>(indices + to, load<u32>(indices + to - 4));
    }
    store<f32>(distances + to, square);
    store<u32>(indices + to, i);
  }
  for (let j: usize = 0; j <= last; j += 4) store<f32>(distances + j, sqrt<f32>(load<f32>(distances + j)));
}
