// The inner loop of a projection: centred tokens times weights, in float64.

type Rows = Float32Array | Float64Array;

/** Rows `first … end` of `out [rows, components] = (rows [rows, channels] - mean) · weights [channels, components]`. */
export function projectRows(
  rows: Rows,
  mean: Float64Array,
  weights: Float64Array,
  channels: number,
  components: number,
  first: number,
  end: number,
  out: Rows,
): void {
  let r = first;
  if (components === 3) {
    // Two rows and three sums each: weights are read once for both, and six additions are under way at a time.
    for (; r + 1 < end; r += 2) projectTwo(rows, mean, weights, channels, r, out);
  }
  const sums = new Float64Array(components);
  for (; r < end; r++) {
    sums.fill(0);
    for (let j = 0, at = r * channels; j < channels; j++) {
      const value = rows[at + j]! - mean[j]!;
      const w = j * components;
      for (let k = 0; k < components; k++) sums[k]! += value * weights[w + k]!;
    }
    out.set(sums, r * components);
  }
}

function projectTwo(
  rows: Rows,
  mean: Float64Array,
  weights: Float64Array,
  channels: number,
  row: number,
  out: Rows,
): void {
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  let e = 0;
  let f = 0;
  for (let j = 0, one = row * channels, other = one + channels, w = 0; j < channels; j++, w += 3) {
    const centre = mean[j]!;
    const x = rows[one + j]! - centre;
    const y = rows[other + j]! - centre;
    const u = weights[w]!;
    const v = weights[w + 1]!;
    const t = weights[w + 2]!;
    a += x * u;
    b += x * v;
    c += x * t;
    d += y * u;
    e += y * v;
    f += y * t;
  }
  const at = row * 3;
  out[at] = a;
  out[at + 1] = b;
  out[at + 2] = c;
  out[at + 3] = d;
  out[at + 4] = e;
  out[at + 5] = f;
}
