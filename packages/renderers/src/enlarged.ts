// Enlarges a grid of colours to pixels that blend from one cell to the next.

/** How colours blend from the centre of a cell to that of the next. */
export type Blend = 'linear' | 'bicubic';

/** Weights of the cells around a point `t` (0 … 1) of the way from the second to the third of four. */
const weights: Readonly<Record<Blend, (t: number) => readonly number[]>> = {
  linear: (t) => [0, 1 - t, t, 0],
  // Catmull-Rom: through every colour, without a kink.
  bicubic: (t) => [
    -0.5 * t ** 3 + t ** 2 - 0.5 * t,
    1.5 * t ** 3 - 2.5 * t ** 2 + 1,
    -1.5 * t ** 3 + 2 * t ** 2 + 0.5 * t,
    0.5 * t ** 3 - 0.5 * t ** 2,
  ],
};

/** For each pixel along an axis its four cells and their weights; beyond the ends the outermost cells go on. */
function taps(
  cells: number,
  factor: number,
  blend: Blend,
): { readonly cells: number[]; readonly shares: readonly number[] }[] {
  return Array.from({ length: cells * factor }, (_, pixel) => {
    const at = (pixel + 0.5) / factor - 0.5;
    const first = Math.floor(at) - 1;
    return {
      cells: [0, 1, 2, 3].map((i) => Math.min(cells - 1, Math.max(0, first + i))),
      shares: weights[blend](at - Math.floor(at)),
    };
  });
}

/**
 * `[height, width, 4]` enlarged by a whole factor to `[height · factor, width · factor, 4]`. Cells without opacity have
 * no colour: what blends towards them gets more transparent, not darker.
 */
export function enlarged(colors: Uint8Array, height: number, width: number, factor: number, blend: Blend): Uint8Array {
  const [across, down] = [taps(width, factor, blend), taps(height, factor, blend)];
  const columns = width * factor;
  const stretched = new Float32Array(height * columns * 4);
  for (let row = 0; row < height; row++)
    across.forEach(({ cells, shares }, x) => {
      const to = (row * columns + x) * 4;
      cells.forEach((cell, i) => {
        const from = (row * width + cell) * 4;
        const weight = (shares[i]! * colors[from + 3]!) / 255;
        for (let c = 0; c < 3; c++) stretched[to + c]! += weight * colors[from + c]!;
        stretched[to + 3]! += weight;
      });
    });
  const out = new Uint8Array(height * factor * columns * 4);
  down.forEach(({ cells, shares }, y) => {
    const [a, b, c, d] = cells.map((cell) => cell * columns * 4) as [number, number, number, number];
    const [wa, wb, wc, wd] = shares as [number, number, number, number];
    const sum = (at: number): number =>
      wa * stretched[a + at]! + wb * stretched[b + at]! + wc * stretched[c + at]! + wd * stretched[d + at]!;
    for (let at = 0; at < columns * 4; at += 4) {
      const opacity = sum(at + 3);
      if (!(opacity > 0)) continue;
      const to = y * columns * 4 + at;
      for (let i = 0; i < 3; i++) out[to + i] = Math.min(255, Math.max(0, Math.round(sum(at + i) / opacity)));
      out[to + 3] = Math.min(255, Math.round(opacity * 255));
    }
  });
  return out;
}
