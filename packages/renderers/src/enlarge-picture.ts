// Enlarges a picture along curves through its pixels, row by row, so that no more than a few rows are held beside it.

import { cubicWeights } from './cubic-weights.ts';
import { enlargeKernel } from './enlarge-kernel.ts';

/** Bits of the fraction of a weight, as in the kernel. */
const weightBits = 13;
/** Bytes that are made before they are copied out. */
const bandBytes = 2 ** 16;
/** What the kernel may read or write past an end. */
const slack = 64;

/**
 * Writes the pixels `[height, width, 3]` of a picture into `out`, `[newHeight, newWidth, 3]`, by the curve of
 * Catmull-Rom through four pixels along each axis; beyond the edges the outermost pixels go on. Centres of pixels stay
 * in proportion. Weights have 13 bits: a value is at most 1 off the exact one, and plain colours stay as they are.
 */
export function enlargePicture(
  pixels: Uint8Array,
  [height, width]: readonly [number, number],
  out: Uint8Array,
  [newHeight, newWidth]: readonly [number, number],
): void {
  const [columns, rows] = [taps(width, newWidth), taps(height, newHeight)];
  const length = newWidth * 3;
  const bandRows = Math.max(1, Math.floor(bandBytes / length));

  let end = 0;
  const take = (bytes: number): number => {
    const at = end;
    end += Math.ceil((bytes + slack) / 16) * 16;
    return at;
  };
  const steps = take(newWidth * 16);
  const weights = take(8);
  /** A row with two pixels more at each end. */
  const padded = take((width + 4) * 3);
  const between = Array.from({ length: 4 }, () => take(length * 2));
  const band = take(bandRows * length);
  const { memory, across, down } = enlargeKernel(end);
  const bytes = new Uint8Array(memory);

  const table = new DataView(memory, steps, newWidth * 16);
  columns.forEach(({ first, shares }, x) => {
    table.setInt32(x * 16, (first + 2) * 3, true);
    shares.forEach((share, i) => table.setInt16(x * 16 + 8 + i * 2, share, true));
  });
  const own = new Int16Array(memory, weights, 4);

  /** The rows that stand in `between`, by their number modulo 4. */
  const held = [-1, -1, -1, -1];
  const stretched = (row: number): number => {
    const y = Math.min(height - 1, Math.max(0, row));
    const place = between[y % 4]!;
    if (held[y % 4] === y) return place;
    held[y % 4] = y;
    const source = pixels.subarray(y * width * 3, (y + 1) * width * 3);
    bytes.set(source, padded + 6);
    for (const pixel of [0, 1]) {
      bytes.set(source.subarray(0, 3), padded + pixel * 3);
      bytes.set(source.subarray(-3), padded + (width + 2 + pixel) * 3);
    }
    across(padded, newWidth, steps, place);
    return place;
  };

  for (let y = 0; y < newHeight; y++) {
    const { first, shares } = rows[y]!;
    own.set(shares);
    const [a, b, c, d] = [0, 1, 2, 3].map((i) => stretched(first + i)) as [number, number, number, number];
    const inBand = y % bandRows;
    down(a, b, c, d, weights, length, band + inBand * length);
    if (inBand === bandRows - 1 || y === newHeight - 1)
      out.set(bytes.subarray(band, band + (inBand + 1) * length), (y - inBand) * length);
  }
}

interface Taps {
  /** The first of four neighbours, from -2 on. */
  readonly first: number;
  /** Their weights, of which the sum is 2^13. */
  readonly shares: readonly number[];
}

function taps(from: number, to: number): Taps[] {
  return Array.from({ length: to }, (_, i) => {
    const at = ((i + 0.5) * from) / to - 0.5;
    const second = Math.floor(at);
    const shares = cubicWeights(at - second).map((share) => Math.round(share * 2 ** weightBits));
    const nearest = at - second < 0.5 ? 1 : 2;
    shares[nearest]! += 2 ** weightBits - shares.reduce((sum, share) => sum + share, 0);
    return { first: second - 1, shares };
  });
}
