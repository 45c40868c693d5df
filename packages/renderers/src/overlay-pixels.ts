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

/** Pixels from `start` to before `end` that see the same cell. */
interface Run {
  readonly start: number;
  readonly end: number;
  readonly cell: number;
}

/** Which pixels of one axis see which cell; the grid of `cells` starts at `origin` and is `extent` long, in pixels. */
function runsAlong(pixels: number, origin: number, extent: number, cells: number): Run[] {
  const runs: Run[] = [];
  let start = -1;
  let former = -1;
  for (let pixel = 0; pixel <= pixels; pixel++) {
    const at = pixel < pixels ? cellAt(pixel, origin, extent, cells) : -1;
    const cell = at >= 0 && at < cells ? Math.floor(at) : -1;
    if (cell === former) continue;
    if (former >= 0) runs.push({ start, end: pixel, cell: former });
    start = pixel;
    former = cell;
  }
  return runs;
}

/** Where in the grid the centre of a pixel is, in cells. */
const cellAt = (pixel: number, origin: number, extent: number, cells: number): number =>
  ((pixel + 0.5 - origin) * cells) / extent;

/** What a value of the frame becomes under a value of a colour, `[colour, value]`, for the opacity that came last. */
let blended: { readonly opacity: number; readonly table: Uint8Array } | undefined;

function blendTable(opacity: number): Uint8Array {
  if (blended?.opacity === opacity) return blended.table;
  const table = new Uint8Array(256 * 256);
  for (let colour = 0; colour < 256; colour++)
    for (let value = 0; value < 256; value++)
      table[colour * 256 + value] = Math.round(value + (colour - value) * opacity);
  blended = { opacity, table };
  return table;
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
  // Squares that leave no pixel out write all of them.
  if (interpolation !== 'nearest' || !covers(geometry, grid)) out.set(rgb, rowOffset * geometry.frameWidth * 3);
  (interpolation === 'nearest' ? drawSquares : drawBlended)(
    rgb,
    geometry,
    grid,
    opacity,
    out.subarray(rowOffset * geometry.frameWidth * 3),
  );
}

/** Whether each pixel of the frame is seen by a cell that is known. */
const covers = ({ frameWidth, frameHeight, x, y, width, height }: Geometry, { colors }: GridColors): boolean =>
  x <= 0 &&
  y <= 0 &&
  x + width >= frameWidth &&
  y + height >= frameHeight &&
  colors.every((value, i) => i % 4 < 3 || value > 0);

/** One table for all pixels, one entry of it per value: what colour a pixel gets is asked once for each square. */
function drawSquares(rgb: Uint8Array, geometry: Geometry, grid: GridColors, opacity: number, out: Uint8Array): void {
  const { frameWidth, frameHeight } = geometry;
  const table = blendTable(opacity);
  const columns = runsAlong(frameWidth, geometry.x, geometry.width, grid.width);
  for (const rows of runsAlong(frameHeight, geometry.y, geometry.height, grid.height))
    for (let y = rows.start; y < rows.end; y++)
      for (const { start, end, cell } of columns) {
        const from = (rows.cell * grid.width + cell) * 4;
        if (grid.colors[from + 3] === 0) continue;
        const red = grid.colors[from]! << 8;
        const green = grid.colors[from + 1]! << 8;
        const blue = grid.colors[from + 2]! << 8;
        const last = (y * frameWidth + end) * 3;
        for (let at = (y * frameWidth + start) * 3; at < last; at += 3) {
          out[at] = table[red | rgb[at]!]!;
          out[at + 1] = table[green | rgb[at + 1]!]!;
          out[at + 2] = table[blue | rgb[at + 2]!]!;
        }
      }
}

/** For each pixel of one axis, the cell before its centre and how far it is to the next one; -1 beyond the grid. */
function stepsAlong(
  pixels: number,
  origin: number,
  extent: number,
  cells: number,
): { readonly low: Int32Array; readonly share: Float32Array } {
  const low = new Int32Array(pixels).fill(-1);
  const share = new Float32Array(pixels);
  for (let pixel = 0; pixel < pixels; pixel++) {
    const at = cellAt(pixel, origin, extent, cells);
    if (!(at >= 0 && at < cells)) continue;
    // Colours stand in the centres of cells; beyond the outermost centres they stay what they are.
    const centred = Math.min(cells - 1, Math.max(0, at - 0.5));
    low[pixel] = Math.floor(centred);
    share[pixel] = centred - low[pixel]!;
  }
  return { low, share };
}

/**
 * Colours are weighted by how far their cell is known (0 or 1) and stretched along the columns once for each row of the
 * grid; between two of these a row of the frame is a mean. Unknown cells so have no weight: a pixel half way to one is
 * half as strong.
 */
function drawBlended(rgb: Uint8Array, geometry: Geometry, grid: GridColors, opacity: number, out: Uint8Array): void {
  const { frameWidth, frameHeight } = geometry;
  const columns = stepsAlong(frameWidth, geometry.x, geometry.width, grid.width);
  const rows = stepsAlong(frameHeight, geometry.y, geometry.height, grid.height);
  const first = columns.low.findIndex((cell) => cell >= 0);
  const end = columns.low.findLastIndex((cell) => cell >= 0) + 1;
  if (first < 0) return;

  /** One row of the grid, `[frameWidth, 4]`: red, green and blue times weight, weight; all times the opacity. */
  const stretched = (row: number, to: Float64Array): void => {
    for (let x = first; x < end; x++) {
      const left = (row * grid.width + columns.low[x]!) * 4;
      const right = columns.low[x]! + 1 < grid.width ? left + 4 : left;
      const across = columns.share[x]!;
      const a = grid.colors[left + 3] ? (1 - across) * opacity : 0;
      const b = grid.colors[right + 3] ? across * opacity : 0;
      for (let c = 0; c < 3; c++) to[x * 4 + c] = a * grid.colors[left + c]! + b * grid.colors[right + c]!;
      to[x * 4 + 3] = a + b;
    }
  };
  let upper = new Float64Array(frameWidth * 4);
  let lower = new Float64Array(frameWidth * 4);
  let held = [-1, -1];
  for (let y = 0; y < frameHeight; y++) {
    const top = rows.low[y]!;
    if (top < 0) continue;
    const bottom = Math.min(grid.height - 1, top + 1);
    if (held[0] !== top) {
      [upper, lower] = [lower, upper];
      if (held[1] !== top) stretched(top, upper);
      stretched(bottom, lower);
      held = [top, bottom];
    }
    const down = rows.share[y]!;
    const up = 1 - down;
    for (let x = first, at = (y * frameWidth + first) * 3; x < end; x++, at += 3) {
      const from = x * 4;
      const plain = 1 - (up * upper[from + 3]! + down * lower[from + 3]!);
      // Adding a half and cutting off is rounding, of numbers that are not below 0.
      out[at] = rgb[at]! * plain + up * upper[from]! + down * lower[from]! + 0.5;
      out[at + 1] = rgb[at + 1]! * plain + up * upper[from + 1]! + down * lower[from + 1]! + 0.5;
      out[at + 2] = rgb[at + 2]! * plain + up * upper[from + 2]! + down * lower[from + 2]! + 0.5;
    }
  }
}
