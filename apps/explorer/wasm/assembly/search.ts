// Scores of coded tokens against one query: sums of products of bytes with 16-bit weights, exact in 32 bits.

/**
 * Looks at `count` tokens of `size` bytes. Writes, as 32 bits each: the highest score (float), which token has it, the
 * sum of all scores (float), and how many tokens were scored. Tokens of zeros alone saw no data and are left out; where
 * all are, the highest is token 0 with a score of -2. `weights` are int16, `size` of them; `factor` makes scores of
 * sums.
 */
export function summarize(tokens: usize, count: i32, size: usize, weights: usize, factor: f32, out: usize): void {
  const whole = size & ~15;
  let best: f32 = -2;
  let at = 0;
  let total: f64 = 0;
  let seen = 0;
  for (let token = 0; token < count; token++) {
    let sums = i32x4.splat(0);
    let all = i8x16.splat(0);
    let place: usize = 0;
    for (; place < whole; place += 16) {
      const bytes = v128.load(tokens + place);
      all = v128.or(all, bytes);
      const weight = weights + (place << 1);
      sums = i32x4.add(sums, i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_s(bytes), v128.load(weight)));
      sums = i32x4.add(sums, i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_s(bytes), v128.load(weight, 16)));
    }
    let sum =
      i32x4.extract_lane(sums, 0) +
      i32x4.extract_lane(sums, 1) +
      i32x4.extract_lane(sums, 2) +
      i32x4.extract_lane(sums, 3);
    let some = v128.any_true(all);
    for (; place < size; place++) {
      const byte = <i32>load<i8>(tokens + place);
      some = some || byte != 0;
      sum += byte * <i32>load<i16>(weights + (place << 1));
    }
    tokens += size;
    if (!some) continue;
    const score = <f32>sum * factor;
    total += score;
    seen++;
    if (score > best) {
      best = score;
      at = token;
    }
  }
  store<f32>(out, best);
  store<i32>(out, at, 4);
  store<f32>(out, <f32>total, 8);
  store<i32>(out, seen, 12);
}
