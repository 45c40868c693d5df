// The best candidates of a row: a heap whose root is the worst one, ordered by score and then by index, so that no
// order of arrival changes it.

/** Whether (score a, index i) is worse than (score b, index j). */
// @ts-ignore: decorator
@inline
function worse(a: f32, i: u32, b: f32, j: u32): bool {
  return a < b || (a == b && i > j);
}

/** Empties `rows` lists of `size` entries: scores of minus infinity, indices of 2^32 - 1. */
export function clearLists(scores: usize, indices: usize, limits: usize, rows: i32, size: i32): void {
  const entries = <usize>rows * <usize>size;
  for (let e: usize = 0; e < entries; e++) store<f32>(scores + (e << 2), -Infinity);
  memory.fill(indices, 255, entries << 2);
  for (let r: usize = 0; r < <usize>rows; r++) store<f32>(limits + (r << 2), -Infinity);
}

/** Offers a candidate to the heap of `size` entries at `scores`, `indices`; returns the root's score. */
export function offer(scores: usize, indices: usize, size: i32, score: f32, index: u32): f32 {
  if (!worse(load<f32>(scores), load<u32>(indices), score, index)) return load<f32>(scores);
  let at: i32 = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= size) break;
    let s = load<f32>(scores + (<usize>child << 2));
    let n = load<u32>(indices + (<usize>child << 2));
    if (child + 1 < size) {
      const s2 = load<f32>(scores + (<usize>child << 2), 4);
      const n2 = load<u32>(indices + (<usize>child << 2), 4);
      if (worse(s2, n2, s, n)) {
        child++;
        s = s2;
        n = n2;
      }
    }
    if (!worse(s, n, score, index)) break;
    store<f32>(scores + (<usize>at << 2), s);
    store<u32>(indices + (<usize>at << 2), n);
    at = child;
  }
  store<f32>(scores + (<usize>at << 2), score);
  store<u32>(indices + (<usize>at << 2), index);
  return load<f32>(scores);
}

/** Each limit of `to` becomes the larger of both. */
export function raiseLimits(from: usize, to: usize, count: i32): void {
  for (let i: usize = 0; i < <usize>count << 2; i += 4) store<f32>(to + i, max<f32>(load<f32>(to + i), load<f32>(from + i)));
}
