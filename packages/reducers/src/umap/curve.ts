// The curve 1 / (1 + a d^2b) that layout forces follow, fitted to minDist and spread as umap-learn does
// (find_ab_params).

/** Points that the curve is fitted to. */
const samples = 300;

/** The curve `1 / (1 + a · d^(2b))` of the layout's distances `d`; see McInnes et al. 2018. */
export interface Curve {
  readonly a: number;
  readonly b: number;
}

/**
 * Least squares by Levenberg and Marquardt: 1 below `minDist`, exp(-(d - minDist) / spread) beyond, for 300 distances
 * up to 3 spreads. Rounded to float32, so that the last bits of an engine's `Math.pow` do not reach the layout. Throws
 * a `RangeError` for a spread that is not positive or a `minDist` outside 0 … spread.
 */
export function fitCurve(minDist: number, spread: number): Curve {
  if (!(spread > 0 && Number.isFinite(spread))) throw new RangeError(`spread is ${spread}, it has to be above 0`);
  if (!(minDist >= 0 && minDist <= spread))
    throw new RangeError(`minDist is ${minDist}, it has to lie between 0 and spread (${spread})`);
  const x = Float64Array.from({ length: samples }, (_, i) => (i * 3 * spread) / (samples - 1));
  const y = x.map((d) => (d < minDist ? 1 : Math.exp(-(d - minDist) / spread)));
  let [a, b] = [1, 1];
  let damping = 1e-3;
  let error = squares(x, y, a, b);
  for (let round = 0; round < 500; round++) {
    let [aa, ab, bb, ga, gb] = [0, 0, 0, 0, 0];
    for (let i = 1; i < samples; i++) {
      const power = x[i]! ** (2 * b);
      const value = 1 / (1 + a * power);
      const da = -power * value * value;
      const db = -2 * a * power * Math.log(x[i]!) * value * value;
      const rest = y[i]! - value;
      aa += da * da;
      ab += da * db;
      bb += db * db;
      ga += da * rest;
      gb += db * rest;
    }
    const [daa, dbb] = [aa * (1 + damping), bb * (1 + damping)];
    const determinant = daa * dbb - ab * ab;
    const stepA = (dbb * ga - ab * gb) / determinant;
    const stepB = (daa * gb - ab * ga) / determinant;
    const next = a + stepA > 0 && b + stepB > 0 ? squares(x, y, a + stepA, b + stepB) : Infinity;
    if (next <= error) {
      [a, b] = [a + stepA, b + stepB];
      error = next;
      damping = Math.max(1e-12, damping / 10);
      if (Math.abs(stepA) < 1e-12 * a && Math.abs(stepB) < 1e-12 * b) break;
    } else {
      damping *= 10;
      if (damping > 1e12) break;
    }
  }
  return { a: Math.fround(a), b: Math.fround(b) };
}

function squares(x: Float64Array, y: Float64Array, a: number, b: number): number {
  let sum = 0;
  for (let i = 0; i < samples; i++) sum += (y[i]! - 1 / (1 + a * x[i]! ** (2 * b))) ** 2;
  return sum;
}
