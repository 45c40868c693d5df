// Fuzzy sets as umap-learn 0.5.12 makes them: smooth distances, memberships, union, schedule (umap/umap_.py).

import { exp } from './math';

/** Mean of all distances, in float64. */
export function meanDistance(distances: usize, values: i32): f64 {
  let sum: f64 = 0;
  for (let i: usize = 0; i < <usize>values; i++) sum += <f64>load<f32>(distances + (i << 2));
  return values > 0 ? sum / <f64>values : 0;
}

/**
 * rho and sigma of one row of `k` distances (smooth_knn_dist), and its memberships (compute_membership_strengths) in
 * place of the distances.
 */
export function smoothRow(distances: usize, indices: usize, k: i32, target: f64, connectivity: f64, meanOfAll: f64, self: i32, rhoOut: usize, sigmaOut: usize, weights: usize): void {
  let positive = 0;
  let firstPositive = k;
  let mean: f64 = 0;
  for (let j = 0; j < k; j++) {
    const d = <f64>load<f32>(distances + (<usize>j << 2));
    mean += d;
    if (d > 0) {
      if (positive == 0) firstPositive = j;
      positive++;
    }
  }
  mean /= <f64>k;
  let rho: f64 = 0;
  if (positive > 0 && <f64>positive >= connectivity) {
    const index = <i32>floor<f64>(connectivity);
    const rest = connectivity - <f64>index;
    if (index > 0) {
      rho = <f64>load<f32>(distances + (<usize>(firstPositive + index - 1) << 2));
      if (rest > 1e-5) rho += rest * (<f64>load<f32>(distances + (<usize>min<i32>(k - 1, firstPositive + index) << 2)) - rho);
    } else {
      rho = rest * <f64>load<f32>(distances + (<usize>firstPositive << 2));
    }
  } else if (positive > 0) {
    rho = <f64>load<f32>(distances + (<usize>(k - 1) << 2));
  }
  rho = <f64>(<f32>rho);
  let low: f64 = 0;
  let high: f64 = Infinity;
  let sigma: f64 = 1;
  for (let n = 0; n < 64; n++) {
    let sum: f64 = 0;
    for (let j = 1; j < k; j++) {
      const d = <f64>load<f32>(distances + (<usize>j << 2)) - rho;
      sum += d > 0 ? exp(-d / sigma) : 1.0;
    }
    if (abs<f64>(sum - target) < 1e-5) break;
    if (sum > target) {
      high = sigma;
      sigma = (low + high) / 2;
    } else {
      low = sigma;
      sigma = high == Infinity ? sigma * 2 : (low + high) / 2;
    }
  }
  const floorOf = 1e-3 * (rho > 0 ? mean : meanOfAll);
  if (sigma < floorOf) sigma = floorOf;
  sigma = <f64>(<f32>sigma);
  store<f32>(rhoOut, <f32>rho);
  store<f32>(sigmaOut, <f32>sigma);
  for (let j = 0; j < k; j++) {
    const index = load<u32>(indices + (<usize>j << 2));
    const d = <f64>load<f32>(distances + (<usize>j << 2)) - rho;
    let w: f64 = 0;
    if (index != u32.MAX_VALUE && index != <u32>self) w = d <= 0 || sigma == 0 ? 1.0 : exp(-d / sigma);
    store<f32>(weights + (<usize>j << 2), <f32>w);
  }
}

/**
 * Joins the directed memberships `[rows, k]` with their transpose: mixRatio x (a + b - ab) + (1 - mixRatio) x ab.
 * Writes `starts [rows + 1]`, `columns`, `values`, every edge in both directions, columns ascending; returns the number
 * of entries. `incoming [rows + 1]`, `from`, `strength [rows * k]` are work space. `indices` and `weights` are sorted
 * by index on the way.
 */
export function unite(
  indices: usize, weights: usize, rows: i32, k: i32, mixRatio: f32, incoming: usize, from: usize, strength: usize, starts: usize, columns: usize, values: usize,
): i32 {
  const n = <usize>rows;
  memory.fill(incoming, 0, (n + 1) << 2);
  for (let i: usize = 0; i < n; i++) {
    const row = indices + i * (<usize>k << 2);
    const w = weights + i * (<usize>k << 2);
    for (let a = 0; a < k; a++) {
      const index = load<u32>(row + (<usize>a << 2));
      const weight = load<f32>(w + (<usize>a << 2));
      let at = a;
      while (at > 0 && load<u32>(row + (<usize>(at - 1) << 2)) > index) {
        store<u32>(row + (<usize>at << 2), load<u32>(row + (<usize>(at - 1) << 2)));
        store<f32>(w + (<usize>at << 2), load<f32>(w + (<usize>(at - 1) << 2)));
        at--;
      }
      store<u32>(row + (<usize>at << 2), index);
      store<f32>(w + (<usize>at << 2), weight);
      if (weight > 0) {
        const count = incoming + ((<usize>index + 1) << 2);
        store<u32>(count, load<u32>(count) + 1);
      }
    }
  }
  for (let i: usize = 1; i <= n; i++) store<u32>(incoming + (i << 2), load<u32>(incoming + (i << 2)) + load<u32>(incoming + ((i - 1) << 2)));
  memory.copy(starts, incoming, n << 2);
  for (let i: usize = 0; i < n; i++) {
    for (let a: usize = 0; a < <usize>k; a++) {
      const weight = load<f32>(weights + (i * <usize>k + a << 2));
      if (!(weight > 0)) continue;
      const cursor = starts + (<usize>load<u32>(indices + (i * <usize>k + a << 2)) << 2);
      const slot = <usize>load<u32>(cursor);
      store<u32>(cursor, <u32>slot + 1);
      store<u32>(from + (slot << 2), <u32>i);
      store<f32>(strength + (slot << 2), weight);
    }
  }
  let count: usize = 0;
  for (let i: usize = 0; i < n; i++) {
    store<u32>(starts + (i << 2), <u32>count);
    let a: usize = i * <usize>k;
    const endA = a + <usize>k;
    let b = <usize>load<u32>(incoming + (i << 2));
    const endB = <usize>load<u32>(incoming + ((i + 1) << 2));
    for (;;) {
      while (a < endA && !(load<f32>(weights + (a << 2)) > 0)) a++;
      if (a >= endA && b >= endB) break;
      const columnA = a < endA ? load<u32>(indices + (a << 2)) : u32.MAX_VALUE;
      const columnB = b < endB ? load<u32>(from + (b << 2)) : u32.MAX_VALUE;
      const column = min<u32>(columnA, columnB);
      let x: f32 = 0;
      let y: f32 = 0;
      if (columnA == column) x = load<f32>(weights + (a++ << 2));
      if (columnB == column) y = load<f32>(strength + (b++ << 2));
      const product: f32 = x * y;
      const value: f32 = mixRatio * (x + y - product) + (1 - mixRatio) * product;
      if (!(value > 0)) continue;
      store<u32>(columns + (count << 2), column);
      store<f32>(values + (count << 2), value);
      count++;
    }
  }
  store<u32>(starts + (n << 2), <u32>count);
  return <i32>count;
}

/**
 * Drops edges below largest / epochs and turns the others into how often they are due, 1 = every epoch; in place.
 * Returns what is left.
 */
export function schedule(starts: usize, columns: usize, values: usize, rows: i32, epochs: i32): i32 {
  const n = <usize>rows;
  const total = <usize>load<u32>(starts + (n << 2));
  let largest: f32 = 0;
  for (let e: usize = 0; e < total; e++) largest = max<f32>(largest, load<f32>(values + (e << 2)));
  const least: f32 = largest / <f32>epochs;
  let count: usize = 0;
  let e: usize = 0;
  for (let i: usize = 0; i < n; i++) {
    const end = <usize>load<u32>(starts + ((i + 1) << 2));
    store<u32>(starts + (i << 2), <u32>count);
    for (; e < end; e++) {
      const value = load<f32>(values + (e << 2));
      if (value < least) continue;
      store<u32>(columns + (count << 2), load<u32>(columns + (e << 2)));
      store<f32>(values + (count << 2), value / largest);
      count++;
    }
  }
  store<u32>(starts + (n << 2), <u32>count);
  return <i32>count;
}
