// Finds the nearest colour of a palette.

import { COLOURS, DISTANCES, NEAREST } from './layout';

/** How far float32 may be from float64 in two distances together: below 0.12 with values of up to 255. */
const MARGIN: f32 = 0.25;

/**
 * The number of the colour that is nearest to 5, 6 and 5 bits of red, green and blue, the first of equal ones in
 * float64. Float32 finds those that may be it, four at a time.
 */
export function nearest(key: u32): u32 {
  const known = <u32>load<u16>(NEAREST + (key << 1));
  if (known !== 0xffff) return known;
  const r = <f64>((key >> 11) * 255) / 31;
  const g = <f64>(((key >> 5) & 63) * 255) / 63;
  const b = <f64>((key & 31) * 255) / 31;
  const red = f32x4.splat(<f32>r);
  const green = f32x4.splat(<f32>g);
  const blue = f32x4.splat(<f32>b);
  let most = f32x4.splat(Infinity);
  for (let at: usize = 0; at < 1024; at += 16) {
    const dr = f32x4.sub(v128.load(COLOURS + at), red);
    const dg = f32x4.sub(v128.load(COLOURS + 1024 + at), green);
    const db = f32x4.sub(v128.load(COLOURS + 2048 + at), blue);
    const distance = f32x4.add(f32x4.add(f32x4.mul(dr, dr), f32x4.mul(dg, dg)), f32x4.mul(db, db));
    v128.store(DISTANCES + at, distance);
    most = f32x4.pmin(most, distance);
  }
  most = f32x4.pmin(most, i32x4.shuffle(most, most, 2, 3, 0, 1));
  most = f32x4.pmin(most, i32x4.shuffle(most, most, 1, 0, 3, 2));
  most = f32x4.add(most, f32x4.splat(MARGIN));
  let best: usize = 0;
  let least = Infinity;
  for (let four: usize = 0; four < 1024; four += 16) {
    const near = f32x4.le(v128.load(DISTANCES + four), most);
    if (!v128.any_true(near)) continue;
    for (let at = four; at < four + 16; at += 4) {
      const dr = <f64>load<f32>(COLOURS + at) - r;
      const dg = <f64>load<f32>(COLOURS + 1024 + at) - g;
      const db = <f64>load<f32>(COLOURS + 2048 + at) - b;
      const distance = dr * dr + dg * dg + db * db;
      if (distance < least) {
        least = distance;
        best = at >> 2;
      }
    }
  }
  store<u16>(NEAREST + (key << 1), best);
  return best;
}
