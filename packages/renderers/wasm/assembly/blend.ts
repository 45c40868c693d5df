// Lays colours over rows of 8-bit red, green, blue, in place: one colour for each value of a row, or colours that blend
// from one row of a grid to the next.

/** 16 bits of a fraction would round opacities of three decimals to the wrong side. */
const FRACTION: i32 = 22;

// @ts-ignore: decorator
@inline
function four(values: v128, factor: v128, terms: usize): v128 {
  return i32x4.shr_u(i32x4.add(i32x4.mul(values, factor), v128.load(terms)), FRACTION);
}

/**
 * Of `length` bytes from `at` on each becomes (value * factor + term) / 2^22, without the fraction; `terms` holds an
 * int32 for each of them.
 */
export function squares(at: usize, length: usize, terms: usize, factor: i32): void {
  const factors = i32x4.splat(factor);
  const end = at + length;
  for (; at + 16 <= end; at += 16, terms += 64) {
    const values = v128.load(at);
    const low = i16x8.extend_low_i8x16_u(values);
    const high = i16x8.extend_high_i8x16_u(values);
    v128.store(
      at,
      i8x16.narrow_i16x8_u(
        i16x8.narrow_i32x4_u(
          four(i32x4.extend_low_i16x8_u(low), factors, terms),
          four(i32x4.extend_high_i16x8_u(low), factors, terms + 16),
        ),
        i16x8.narrow_i32x4_u(
          four(i32x4.extend_low_i16x8_u(high), factors, terms + 32),
          four(i32x4.extend_high_i16x8_u(high), factors, terms + 48),
        ),
      ),
    );
  }
  for (; at < end; at++, terms += 4)
    store<u8>(at, (<i32>load<u8>(at) * factor + load<i32>(terms)) >>> FRACTION);
}

/**
 * `pixels` pixels from `at` on under a mean of two rows, `up` of `upper` and `down` of `lower`. A row holds four
 * float64 for each pixel: red, green and blue times their weight, and the weight, which is what the pixel loses of its
 * own. Reads a byte past the last pixel.
 */
export function smooth(at: usize, pixels: i32, upper: usize, up: f64, lower: usize, down: f64): void {
  const ups = f64x2.splat(up);
  const downs = f64x2.splat(down);
  const one = f64x2.splat(1);
  const half = f64x2.splat(0.5);
  for (let x = 0; x < pixels; x++, at += 3, upper += 32, lower += 32) {
    const upperBlue = f64x2.mul(ups, v128.load(upper + 16));
    const lowerBlue = f64x2.mul(downs, v128.load(lower + 16));
    const weights = f64x2.sub(one, f64x2.add(upperBlue, lowerBlue));
    const plain = i64x2.shuffle(weights, weights, 1, 1);
    const own = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(at)));
    const blues = i32x4.shuffle(own, own, 2, 3, 2, 3);
    let red = f64x2.add(f64x2.mul(f64x2.convert_low_i32x4_u(own), plain), f64x2.mul(ups, v128.load(upper)));
    red = f64x2.add(red, f64x2.mul(downs, v128.load(lower)));
    let blue = f64x2.add(f64x2.mul(f64x2.convert_low_i32x4_u(blues), plain), upperBlue);
    blue = f64x2.add(blue, lowerBlue);
    // Adding a half and cutting off is rounding, of numbers that are not below 0.
    const redGreen = i32x4.trunc_sat_f64x2_u_zero(f64x2.add(red, half));
    store<u8>(at, i32x4.extract_lane(redGreen, 0));
    store<u8>(at + 1, i32x4.extract_lane(redGreen, 1));
    store<u8>(at + 2, i32x4.extract_lane(i32x4.trunc_sat_f64x2_u_zero(f64x2.add(blue, half)), 0));
  }
}
