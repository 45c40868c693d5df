// Brings rows of 8-bit red, green, blue to more columns, and makes a row between four of such rows: a curve through
// four neighbours, first along a row and then down the rows.

/** Bits of the fraction of a weight, and of a value between the two steps. */
const WEIGHT: i32 = 13;
const BETWEEN: i32 = 6;

/**
 * Makes `columns` pixels of the row at `from`. For each, `steps` holds 16 bytes: the offset of the first of its four
 * pixels in the row (int32), four bytes that say nothing, and their weights (int16). A pixel at `to` is three int16,
 * with a fraction of 6 bits. Reads 4 bytes past the last pixel of a row, and writes 2 past the last one.
 */
export function across(from: usize, columns: i32, steps: usize, to: usize): void {
  const half = i32x4.splat(1 << (WEIGHT - BETWEEN - 1));
  for (let x = 0; x < columns; x++, steps += 16, to += 6) {
    const pixels = v128.load(from + load<u32>(steps));
    const weights = v128.load(steps);
    // Red, green and blue of the first two pixels, and of the other two; an index of 16 makes a zero.
    const first = i8x16.swizzle(pixels, i8x16(0, 16, 3, 16, 1, 16, 4, 16, 2, 16, 5, 16, 16, 16, 16, 16));
    const second = i8x16.swizzle(pixels, i8x16(6, 16, 9, 16, 7, 16, 10, 16, 8, 16, 11, 16, 16, 16, 16, 16));
    const sum = i32x4.add(
      i32x4.dot_i16x8_s(first, i32x4.shuffle(weights, weights, 2, 2, 2, 2)),
      i32x4.dot_i16x8_s(second, i32x4.shuffle(weights, weights, 3, 3, 3, 3)),
    );
    const values = i32x4.shr_s(i32x4.add(sum, half), WEIGHT - BETWEEN);
    v128.store64_lane(to, i16x8.narrow_i32x4_s(values, values), 0);
  }
}

// @ts-ignore: decorator
@inline
function eight(a: usize, b: usize, c: usize, d: usize, upper: v128, lower: v128): v128 {
  const rowA = v128.load(a);
  const rowB = v128.load(b);
  const rowC = v128.load(c);
  const rowD = v128.load(d);
  const half = i32x4.splat(1 << (WEIGHT + BETWEEN - 1));
  const low = i32x4.add(
    i32x4.dot_i16x8_s(i16x8.shuffle(rowA, rowB, 0, 8, 1, 9, 2, 10, 3, 11), upper),
    i32x4.dot_i16x8_s(i16x8.shuffle(rowC, rowD, 0, 8, 1, 9, 2, 10, 3, 11), lower),
  );
  const high = i32x4.add(
    i32x4.dot_i16x8_s(i16x8.shuffle(rowA, rowB, 4, 12, 5, 13, 6, 14, 7, 15), upper),
    i32x4.dot_i16x8_s(i16x8.shuffle(rowC, rowD, 4, 12, 5, 13, 6, 14, 7, 15), lower),
  );
  return i16x8.narrow_i32x4_s(
    i32x4.shr_s(i32x4.add(low, half), WEIGHT + BETWEEN),
    i32x4.shr_s(i32x4.add(high, half), WEIGHT + BETWEEN),
  );
}

/**
 * Makes `length` bytes at `to` of what `across` made of four rows, by their weights, which stand in `weights` one after
 * the other (int16). Reads and writes up to 15 values past the end.
 */
export function down(a: usize, b: usize, c: usize, d: usize, weights: usize, length: i32, to: usize): void {
  const upper = v128.load32_splat(weights);
  const lower = v128.load32_splat(weights + 4);
  for (const end = to + length; to < end; to += 16, a += 32, b += 32, c += 32, d += 32)
    v128.store(
      to,
      i8x16.narrow_i16x8_u(
        eight(a, b, c, d, upper, lower),
        eight(a + 16, b + 16, c + 16, d + 16, upper, lower),
      ),
    );
}
