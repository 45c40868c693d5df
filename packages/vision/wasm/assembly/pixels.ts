// The two passes of an antialiased resize of 8-bit RGB (sums of products of bytes with 16-bit weights, exact in 32
// bits, two taps at a time), the same in 32-bit floats without rounding in between, and normalising.

/** Red, green and blue of two neighbouring pixels, side by side as 16-bit pairs; index 255 gives 0. */
const PAIRS: v128 = i8x16(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1);

/**
 * Filters `rows` rows of `stride` bytes along the columns: output pixel `i` of a row is the sum of `sizes[i]` pixels
 * from `starts[i]`, its weights (int16) at `weights + i * taps`; `taps` is even and missing weights are 0. Reads up to
 * 5 bytes past a row's end, writes one byte past the last pixel.
 */
export function columns(source: usize, stride: usize, rows: i32, starts: usize, sizes: usize, weights: usize, taps: usize, count: i32, precision: i32, out: usize): void {
  const half = i32x4.splat(1 << (precision - 1));
  for (let y = 0; y < rows; y++) {
    const row = source + <usize>y * stride;
    for (let x: usize = 0; x < <usize>count; x++) {
      let at = row + <usize>load<i32>(starts + (x << 2)) * 3;
      let weight = weights + x * taps * 2;
      const end = weight + (<usize>load<i32>(sizes + (x << 2)) << 1);
      let sum = half;
      while (weight < end) {
        const pixels = i8x16.swizzle(v128.load64_zero(at), PAIRS);
        sum = i32x4.add(sum, i32x4.dot_i16x8_s(pixels, v128.load32_splat(weight)));
        at += 6;
        weight += 4;
      }
      const words = i16x8.narrow_i32x4_s(i32x4.shr_s(sum, precision), sum);
      store<i32>(out, i32x4.extract_lane(i8x16.narrow_i16x8_u(words, words), 0));
      out += 3;
    }
  }
}

/**
 * Filters along the rows: output row `y` is the sum of `sizes[y]` rows of `length` bytes from `starts[y]`. Reads up to
 * one row past the last it needs and writes up to 15 bytes past the end.
 */
export function rows(source: usize, length: usize, starts: usize, sizes: usize, weights: usize, taps: usize, count: i32, precision: i32, out: usize): void {
  const half = i32x4.splat(1 << (precision - 1));
  for (let y: usize = 0; y < <usize>count; y++) {
    const first = source + <usize>load<i32>(starts + (y << 2)) * length;
    const from = weights + y * taps * 2;
    const end = from + (<usize>load<i32>(sizes + (y << 2)) << 1);
    for (let x: usize = 0; x < length; x += 16) {
      let a = half;
      let b = half;
      let c = half;
      let d = half;
      let at = first + x;
      for (let weight = from; weight < end; weight += 4) {
        const upper = v128.load(at);
        const lower = v128.load(at + length);
        const pair = v128.load32_splat(weight);
        const left = i8x16.shuffle(upper, lower, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
        const right = i8x16.shuffle(upper, lower, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
        a = i32x4.add(a, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_u(left), pair));
        b = i32x4.add(b, i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_u(left), pair));
        c = i32x4.add(c, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_u(right), pair));
        d = i32x4.add(d, i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_u(right), pair));
        at += length << 1;
      }
      const low = i16x8.narrow_i32x4_s(i32x4.shr_s(a, precision), i32x4.shr_s(b, precision));
      const high = i16x8.narrow_i32x4_s(i32x4.shr_s(c, precision), i32x4.shr_s(d, precision));
      v128.store(out + y * length + x, i8x16.narrow_i16x8_u(low, high));
    }
  }
}

/** Every third byte of 12, as 32-bit lanes. */
const THIRDS: v128 = i8x16(0, -1, -1, -1, 3, -1, -1, -1, 6, -1, -1, -1, 9, -1, -1, -1);

/**
 * One channel of `pixels` RGB pixels to floats, `(byte - shift) / divisor`, in 32-bit floats. `source` points to the
 * channel's first byte; reads up to 13 bytes past the end, writes up to 12.
 */
export function normalise(source: usize, pixels: i32, shift: f32, divisor: f32, out: usize): void {
  const shifts = f32x4.splat(shift);
  const divisors = f32x4.splat(divisor);
  for (let pixel = 0; pixel < pixels; pixel += 4) {
    const bytes = i8x16.swizzle(v128.load(source), THIRDS);
    v128.store(out, f32x4.div(f32x4.sub(f32x4.convert_i32x4_s(bytes), shifts), divisors));
    source += 12;
    out += 16;
  }
}

/**
 * Filters `rows` rows of `stride` bytes along the columns to floats: output pixel `i` of a row is the sum of `sizes[i]`
 * pixels from `starts[i]`, its weights (float32) at `weights + i * taps`. Reads one byte past a row's end, writes four
 * past the last pixel.
 */
export function columnsFloat(source: usize, stride: usize, rows: i32, starts: usize, sizes: usize, weights: usize, taps: usize, count: i32, out: usize): void {
  for (let y = 0; y < rows; y++) {
    const row = source + <usize>y * stride;
    for (let x: usize = 0; x < <usize>count; x++) {
      let at = row + <usize>load<i32>(starts + (x << 2)) * 3;
      let weight = weights + x * taps * 4;
      const end = weight + (<usize>load<i32>(sizes + (x << 2)) << 2);
      let sum = f32x4.splat(0);
      while (weight < end) {
        const pixel = f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(at))));
        sum = f32x4.add(sum, f32x4.mul(pixel, v128.load32_splat(weight)));
        at += 3;
        weight += 4;
      }
      v128.store(out, sum);
      out += 12;
    }
  }
}

/**
 * Filters along the rows: output row `y` is the sum of `sizes[y]` rows of `length` floats from `starts[y]`. Reads and
 * writes up to 12 bytes past the end.
 */
export function rowsFloat(source: usize, length: usize, starts: usize, sizes: usize, weights: usize, taps: usize, count: i32, out: usize): void {
  const bytes = length << 2;
  for (let y: usize = 0; y < <usize>count; y++) {
    const first = source + <usize>load<i32>(starts + (y << 2)) * bytes;
    const from = weights + y * taps * 4;
    const end = from + (<usize>load<i32>(sizes + (y << 2)) << 2);
    for (let x: usize = 0; x < bytes; x += 16) {
      let sum = f32x4.splat(0);
      let at = first + x;
      for (let weight = from; weight < end; weight += 4) {
        sum = f32x4.add(sum, f32x4.mul(v128.load(at), v128.load32_splat(weight)));
        at += bytes;
      }
      v128.store(out + y * bytes + x, sum);
    }
  }
}
