// A stratified, seeded sample of the tokens of many grids.

import { mix, seededRandom } from '../shared/seeded.ts';

/**
 * Which rows of each grid belong to a sample of at most `limit`: every grid gives its share, and within a grid one row
 * is drawn from each of as many equal stretches, so that all times and places are there. All rows when there are no
 * more than `limit`. Rows ascend.
 */
export function stratifiedSample(counts: readonly number[], limit: number, seed: number): Uint32Array[] {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total <= limit) return counts.map((count) => Uint32Array.from({ length: count }, (_, row) => row));
  const shares = counts.map((count) => (count * limit) / total);
  const quotas = shares.map(Math.floor);
  const left = limit - quotas.reduce((sum, quota) => sum + quota, 0);
  // What rounding left goes to the largest remainders; chance decides between equals, so that no end of the run is
  // preferred.
  const order = shares.map((share, index) => ({
    index,
    remainder: share - Math.floor(share),
    draw: mix(seed ^ mix(index + 1)),
  }));
  order.sort((a, b) => b.remainder - a.remainder || a.draw - b.draw || a.index - b.index);
  for (const { index } of order.slice(0, left)) quotas[index]!++;
  return quotas.map((quota, index) => {
    const random = seededRandom(seed, index);
    const start = (i: number): number => Math.floor((i * counts[index]!) / quota);
    return Uint32Array.from({ length: quota }, (_, i) => start(i) + Math.floor(random() * (start(i + 1) - start(i))));
  });
}
