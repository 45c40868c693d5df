// Turns pixels into numbers of the nearest colours, with an ordered dither, 16 pixels at a time.

import { NEAREST, SHIFTS } from './layout';
import { nearest } from './nearest';

/** 8 values of 8 bits, in 16, as numbers from 0 to `most`, rounded: cutting would darken. */
// @ts-ignore: decorator
@inline
function rounded(values: v128, most: i16): v128 {
  const sum = i16x8.add(i16x8.mul(values, i16x8.splat(most)), i16x8.splat(127));
  // Divided by 255.
  return i16x8.shr_u(i16x8.add(i16x8.add(sum, i16x8.splat(1)), i16x8.shr_u(sum, 8)), 8);
}

/** 5, 6 and 5 bits of red, green and blue. */
// @ts-ignore: decorator
@inline
function keys(red: v128, green: v128, blue: v128): v128 {
  return v128.or(
    v128.or(i16x8.shl(rounded(red, 31), 11), i16x8.shl(rounded(green, 63), 5)),
    rounded(blue, 31),
  );
}

// @ts-ignore: decorator
@inline
function look(key: u32): u32 {
  return <u32>load<u16>(NEAREST + (key << 1));
}

/** The numbers of 8 colours, 8 bits each. */
// @ts-ignore: decorator
@inline
function eight(keys: v128): u64 {
  let a = look(i16x8.extract_lane_u(keys, 0));
  let b = look(i16x8.extract_lane_u(keys, 1));
  let c = look(i16x8.extract_lane_u(keys, 2));
  let d = look(i16x8.extract_lane_u(keys, 3));
  let e = look(i16x8.extract_lane_u(keys, 4));
  let f = look(i16x8.extract_lane_u(keys, 5));
  let g = look(i16x8.extract_lane_u(keys, 6));
  let h = look(i16x8.extract_lane_u(keys, 7));
  if ((a | b | c | d | e | f | g | h) > 0xff) {
    a = nearest(i16x8.extract_lane_u(keys, 0));
    b = nearest(i16x8.extract_lane_u(keys, 1));
    c = nearest(i16x8.extract_lane_u(keys, 2));
    d = nearest(i16x8.extract_lane_u(keys, 3));
    e = nearest(i16x8.extract_lane_u(keys, 4));
    f = nearest(i16x8.extract_lane_u(keys, 5));
    g = nearest(i16x8.extract_lane_u(keys, 6));
    h = nearest(i16x8.extract_lane_u(keys, 7));
  }
  return (<u64>(e | (f << 8) | (g << 16) | (h << 24)) << 32) | <u64>(a | (b << 8) | (c << 16) | (d << 24));
}

/**
 * Writes the number of a colour for each pixel of `rows` rows of `width`, from row `y` of the picture on; `transparent`
 * where opacity is below one half. Reads up to 15 pixels past the last one and writes up to 15 bytes past the end.
 */
export function map(source: usize, channels: u32, width: u32, rows: u32, y: u32, transparent: u32, out: usize): void {
  const see = i8x16.splat(<i8>transparent);
  for (const end = y + rows; y < end; y++) {
    const more = v128.load(SHIFTS + ((y & 7) << 4));
    const less = v128.load(SHIFTS + 128 + ((y & 7) << 4));
    let at = source;
    for (let x: u32 = 0; x < width; x += 16) {
      const p = v128.load(at);
      const q = v128.load(at + 16);
      const s = v128.load(at + 32);
      let red: v128, green: v128, blue: v128;
      let opaque = i8x16.splat(-1);
      if (channels === 3) {
        at += 48;
        red = i8x16.shuffle(p, q, 0, 3, 6, 9, 12, 15, 18, 21, 24, 27, 30, 0, 0, 0, 0, 0);
        red = i8x16.shuffle(red, s, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 17, 20, 23, 26, 29);
        green = i8x16.shuffle(p, q, 1, 4, 7, 10, 13, 16, 19, 22, 25, 28, 31, 0, 0, 0, 0, 0);
        green = i8x16.shuffle(green, s, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 18, 21, 24, 27, 30);
        blue = i8x16.shuffle(p, q, 2, 5, 8, 11, 14, 17, 20, 23, 26, 29, 0, 0, 0, 0, 0, 0);
        blue = i8x16.shuffle(blue, s, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 19, 22, 25, 28, 31);
      } else {
        const t = v128.load(at + 48);
        at += 64;
        // Red of 8 pixels and their green, their blue and their opacity.
        const rg = i8x16.shuffle(p, q, 0, 4, 8, 12, 16, 20, 24, 28, 1, 5, 9, 13, 17, 21, 25, 29);
        const ba = i8x16.shuffle(p, q, 2, 6, 10, 14, 18, 22, 26, 30, 3, 7, 11, 15, 19, 23, 27, 31);
        const rg2 = i8x16.shuffle(s, t, 0, 4, 8, 12, 16, 20, 24, 28, 1, 5, 9, 13, 17, 21, 25, 29);
        const ba2 = i8x16.shuffle(s, t, 2, 6, 10, 14, 18, 22, 26, 30, 3, 7, 11, 15, 19, 23, 27, 31);
        red = i64x2.shuffle(rg, rg2, 0, 2);
        green = i64x2.shuffle(rg, rg2, 1, 3);
        blue = i64x2.shuffle(ba, ba2, 0, 2);
        opaque = i8x16.shr_s(i64x2.shuffle(ba, ba2, 1, 3), 7);
      }
      red = i8x16.sub_sat_u(i8x16.add_sat_u(red, more), less);
      green = i8x16.sub_sat_u(i8x16.add_sat_u(green, more), less);
      blue = i8x16.sub_sat_u(i8x16.add_sat_u(blue, more), less);
      const low = eight(
        keys(i16x8.extend_low_i8x16_u(red), i16x8.extend_low_i8x16_u(green), i16x8.extend_low_i8x16_u(blue)),
      );
      const high = eight(
        keys(i16x8.extend_high_i8x16_u(red), i16x8.extend_high_i8x16_u(green), i16x8.extend_high_i8x16_u(blue)),
      );
      const numbers = i64x2.replace_lane(i64x2.splat(low), 1, high);
      v128.store(out + x, v128.bitselect(numbers, see, opaque));
    }
    source += width * channels;
    out += width;
  }
}
