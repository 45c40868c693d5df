// How much larger the steps between neighbouring values are where tiles begin and end than elsewhere.

/**
 * Means of the distances between pixels that are neighbours, over all bands: `across` the `edges`, `inside` elsewhere but for
 * `skipped`. `bands` are rasters of `width` pixels; edges are numbers of pixels before which something begins, of both axes.
 */
export function seamSteps(bands, width, edges, skipped = []) {
  const height = bands[0].length / width;
  const kinds = new Map([...skipped.map((at) => [at, 'skipped']), ...edges.map((at) => [at, 'across'])]);
  const sums = { across: 0, inside: 0, skipped: 0 };
  const counts = { ...sums };
  const step = (one, other, kind = 'inside') => {
    const distance = Math.hypot(...bands.map((band) => band[one] - band[other]));
    if (Number.isNaN(distance)) return;
    sums[kind] += distance;
    counts[kind]++;
  };
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      if (x > 0) step(at - 1, at, kinds.get(x));
      if (y > 0) step(at - width, at, kinds.get(y));
    }
  const [across, inside] = [sums.across / counts.across, sums.inside / counts.inside];
  return { across, inside, ratio: across / inside };
}

/** Where tiles of `size` that share `overlap` begin and end within `length`, but for its ends. */
export function tileEdges(length, size, overlap) {
  const edges = new Set();
  for (let start = 0; ; start += size - overlap) {
    const begin = Math.min(start, length - size);
    if (begin > 0) edges.add(begin);
    if (begin + size >= length) return [...edges];
    edges.add(begin + size);
  }
}
