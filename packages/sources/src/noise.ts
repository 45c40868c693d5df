// Seamless fractal noise from integer hashes: the same numbers on every machine.

/** A square, seamless picture of noise with values around 0.5, mostly between 0.2 and 0.8. */
export interface NoiseTile {
  /** `[size, size]`. */
  readonly values: Float32Array;
  /** A power of two. */
  readonly size: number;
}

/** A 32-bit mix of up to three whole numbers; every input bit changes about half of the output bits. */
export function hash(a: number, b = 0, c = 0): number {
  let h = Math.imul(a | 0, 0x9e3779b1) ^ Math.imul(b | 0, 0x85ebca77) ^ Math.imul(c | 0, 0xc2b2ae3d);
  h = Math.imul(h ^ (h >>> 16), 0x7feb352d);
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b);
  return (h ^ (h >>> 16)) >>> 0;
}

/** A number from 0 (included) to 1 (excluded) that belongs to the whole numbers given. */
export const chance = (a: number, b = 0, c = 0): number => hash(a, b, c) / 4294967296;

/**
 * Sums octaves of smoothed lattice noise, the coarsest with `cells` lattice cells along an edge, each next one twice as
 * fine and `gain` as strong. Uses only additions, multiplications and whole-number hashes, whose results IEEE 754 fixes
 * to the last bit; sines and powers are left out on purpose, they differ between engines.
 */
export function noiseTile(seed: number, size: number, cells: number, octaves: number, gain = 0.5): NoiseTile {
  const values = new Float32Array(size * size);
  let strength = 1;
  let total = 0;
  for (let octave = 0; octave < octaves && cells <= size; octave++, cells *= 2, strength *= gain) {
    addOctave(values, size, seed + octave * 7919, cells, strength);
    total += strength;
  }
  for (let i = 0; i < values.length; i++) values[i]! /= total;
  return { values, size };
}

function addOctave(values: Float32Array, size: number, seed: number, cells: number, strength: number): void {
  const lattice = Float32Array.from({ length: cells * cells }, (_, i) =>
    chance(seed, i % cells, Math.floor(i / cells)),
  );
  const along = Array.from({ length: size }, (_, i) => {
    const at = (i * cells) / size;
    const low = Math.floor(at);
    const f = at - low;
    // Quintic: first and second derivative vanish at lattice points, so that no grid shows in shaded relief.
    return { low, high: (low + 1) % cells, weight: f * f * f * (f * (f * 6 - 15) + 10) };
  });
  for (let y = 0, i = 0; y < size; y++) {
    const { low, high, weight } = along[y]!;
    for (let x = 0; x < size; x++, i++) {
      const column = along[x]!;
      const upper =
        lattice[low * cells + column.low]! +
        (lattice[low * cells + column.high]! - lattice[low * cells + column.low]!) * column.weight;
      const lower =
        lattice[high * cells + column.low]! +
        (lattice[high * cells + column.high]! - lattice[high * cells + column.low]!) * column.weight;
      values[i]! += strength * (upper + (lower - upper) * weight);
    }
  }
}

/**
 * The noise at a point, in tile edges (the tile repeats at every whole number), interpolated between its four
 * neighbours.
 */
export function sampleNoise({ values, size }: NoiseTile, u: number, v: number): number {
  const x = u * size;
  const y = v * size;
  const left = Math.floor(x);
  const top = Math.floor(y);
  const fx = x - left;
  const fy = y - top;
  const mask = size - 1;
  const x0 = left & mask;
  const x1 = (left + 1) & mask;
  const row0 = (top & mask) * size;
  const row1 = ((top + 1) & mask) * size;
  const upper = values[row0 + x0]! + (values[row0 + x1]! - values[row0 + x0]!) * fx;
  const lower = values[row1 + x0]! + (values[row1 + x1]! - values[row1 + x0]!) * fx;
  return upper + (lower - upper) * fy;
}
