// Lays the colours of a token grid over a frame, each cell exactly over the pixels it saw.

import type { Geometry } from '@deepearth/core';

/** How the colours of tokens become those of pixels: each its own square, or smooth in between. */
export type Interpolation = 'nearest' | 'smooth';

/** Colours of the tokens of one time step, `[height, width, 4]`, opacity last. */
export interface GridColors {
  /** `[height, width, 4]`; where opacity is 0 the frame stays as it is. */
  readonly colors: Uint8Array;
  readonly height: number;
  readonly width: number;
}

/**
 * For one axis of the frame: the cells left and right (above and below) of each pixel's centre, and how far it is from
 * the first to the second.
 */
interface Axis {
  /** -1 where the grid does not reach. */
  readonly low: Int32Array;
  readonly high: Int32Array;
  readonly share: Float32Array;
}

/** `pixels` along the frame; the grid of `cells` starts at `origin` and is `extent` long, in frame pixels. */
function along(pixels: number, origin: number, extent: number, cells: number, interpolation: Interpolation): Axis {
  const low = new Int32Array(pixels).fill(-1);
  const high = new Int32Array(pixels).fill(-1);
  const share = new Float32Array(pixels);
  for (let pixel = 0; pixel < pixels; pixel++) {
    const at = ((pixel + 0.5 - origin) * cells) / extent;
    if (!(at >= 0 && at < cells)) continue;
    if (interpolation === 'nearest') {
      low[pixel] = high[pixel] = Math.floor(at);
      continue;
    }
    // Colours stand in the centres of cells; beyond the outermost centres they stay what they are.
    const centred = Math.min(cells - 1, Math.max(0, at - 0.5));
    low[pixel] = Math.floor(centred);
    high[pixel] = Math.min(cells - 1, low[pixel]! + 1);
    share[pixel] = centred - low[pixel]!;
  }
  return { low, high, share };
}

/**
 * Writes `[frameHeight, frameWidth, 3]` to `out` from `rowOffset` rows on: the frame, and over it the colours at
 * `opacity` (0 … 1) wherever the grid reaches and a cell is known. Geometry is undone exactly: what the encoder cropped
 * off stays plain, what it padded falls outside the picture.
 */
export function overlayPixels(
  rgb: Uint8Array,
  geometry: Geometry,
  grid: GridColors,
  opacity: number,
  interpolation: Interpolation,
  out: Uint8Array,
  rowOffset = 0,
): void {
  const { frameWidth, frameHeight } = geometry;
  const columns = along(frameWidth, geometry.x, geometry.width, grid.width, interpolation);
  const rows = along(frameHeight, geometry.y, geometry.height, grid.height, interpolation);
  const { colors, width } = grid;
  out.set(rgb, rowOffset * frameWidth * 3);
  for (let y = 0; y < frameHeight; y++) {
    if (rows.low[y]! < 0) continue;
    const top = rows.low[y]! * width;
    const bottom = rows.high[y]! * width;
    const down = rows.share[y]!;
    for (let x = 0; x < frameWidth; x++) {
      const left = columns.low[x]!;
      if (left < 0) continue;
      const right = columns.high[x]!;
      const across = columns.share[x]!;
      const [a, b, c, d] = [(top + left) * 4, (top + right) * 4, (bottom + left) * 4, (bottom + right) * 4];
      // Unknown cells have opacity 0 and so no weight; a pixel half way to one is half as strong.
      const wa = (1 - across) * (1 - down) * colors[a + 3]!;
      const wb = across * (1 - down) * colors[b + 3]!;
      const wc = (1 - across) * down * colors[c + 3]!;
      const wd = across * down * colors[d + 3]!;
      const weight = wa + wb + wc + wd;
      if (weight === 0) continue;
      const strength = (opacity * weight) / 255;
      const to = ((rowOffset + y) * frameWidth + x) * 3;
      const from = (y * frameWidth + x) * 3;
      for (let channel = 0; channel < 3; channel++) {
        const colour =
          (wa * colors[a + channel]! +
            wb * colors[b + channel]! +
            wc * colors[c + channel]! +
            wd * colors[d + channel]!) /
          weight;
        const plain = rgb[from + channel]!;
        out[to + channel] = Math.round(plain + (colour - plain) * strength);
      }
    }
  }
}
