// Lays the colours of a token grid over a frame, each cell exactly over the pixels it saw.

import type { Geometry } from '@deepearth/core';
import { blendKernel, fractionBits } from './blend-kernel.ts';

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
  (interpolation === 'nearest' ? drawSquares : drawSmooth)(
    rgb,
    geometry,
    grid,
    opacity,
    out.subarray(rowOffset * geometry.frameWidth * 3),
  );
}

/** Bytes of a frame that pass through the kernel's memory at a time: few enough for the processor's cache. */
const blockBytes = 2 ** 18;

/**
 * Copies a frame row by row; those from `start` to before `end` pass through the kernel's memory, `at` in it, where
 * `draw` changes them.
 */
function copyFrame(
  rgb: Uint8Array,
  out: Uint8Array,
  line: number,
  { start, end }: Pick<Run, 'start' | 'end'>,
  block: Uint8Array,
  draw: (y: number, at: number) => void,
): void {
  out.set(rgb.subarray(0, start * line));
  const most = Math.floor(block.length / line);
  for (let first = start; first < end; first += most) {
    const count = Math.min(most, end - first);
    block.set(rgb.subarray(first * line, (first + count) * line));
    for (let row = 0; row < count; row++) draw(first + row, block.byteOffset + row * line);
    out.set(block.subarray(0, count * line), first * line);
  }
  out.set(rgb.subarray(end * line), end * line);
}

/** A block of whole rows, one at least, and behind it room for `bytes`, on 16 bytes. */
function kernelFor(line: number, bytes: number) {
  const size = Math.max(1, Math.floor(blockBytes / line)) * line;
  const behind = (size + 31) & ~15;
  const kernel = blendKernel(behind + bytes);
  return { ...kernel, block: new Uint8Array(kernel.memory, 0, size), behind };
}

/**
 * A value v under a colour c is v (1 - opacity) + c opacity, rounded, halves upwards: one factor for all values and one
 * term for each colour, both with 22 bits of a fraction.
 */
function drawSquares(rgb: Uint8Array, geometry: Geometry, grid: GridColors, opacity: number, out: Uint8Array): void {
  const { frameWidth, frameHeight } = geometry;
  const line = frameWidth * 3;
  const columns = runsAlong(frameWidth, geometry.x, geometry.width, grid.width);
  const rows = runsAlong(frameHeight, geometry.y, geometry.height, grid.height);
  const { squares, memory, block, behind } = kernelFor(line, line * 4);
  const terms = new Int32Array(memory, behind, line);
  const one = 2 ** fractionBits;
  const factor = Math.round((1 - opacity) * one);
  // 128 is what rounding of the factor can take away from the largest value: halves stay halves.
  const termOf = (colour: number): number => Math.round(colour * opacity * one) + one / 2 + 128;

  /** Puts down the terms of a row of cells; returns the pixels that they are for. */
  function spread(cell: number): Pick<Run, 'start' | 'end'>[] {
    const spans: { start: number; end: number }[] = [];
    for (const column of columns) {
      const from = (cell * grid.width + column.cell) * 4;
      if (grid.colors[from + 3] === 0) continue;
      const [red, green, blue] = [0, 1, 2].map((c) => termOf(grid.colors[from + c]!)) as [number, number, number];
      for (let at = column.start * 3; at < column.end * 3; at += 3) {
        terms[at] = red;
        terms[at + 1] = green;
        terms[at + 2] = blue;
      }
      const last = spans.at(-1);
      if (last?.end === column.start) last.end = column.end;
      else spans.push({ start: column.start, end: column.end });
    }
    return spans;
  }
  const reach = { start: rows[0]?.start ?? 0, end: rows.at(-1)?.end ?? 0 };
  let index = -1;
  let spans: ReturnType<typeof spread> = [];
  copyFrame(rgb, out, line, reach, block, (y, at) => {
    if (index < 0 || y >= rows[index]!.end) spans = spread(rows[++index]!.cell);
    for (const { start, end } of spans) squares(at + start * 3, (end - start) * 3, behind + start * 12, factor);
  });
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
function drawSmooth(rgb: Uint8Array, geometry: Geometry, grid: GridColors, opacity: number, out: Uint8Array): void {
  const { frameWidth, frameHeight } = geometry;
  const columns = stepsAlong(frameWidth, geometry.x, geometry.width, grid.width);
  const rows = stepsAlong(frameHeight, geometry.y, geometry.height, grid.height);
  const reach = ({ low }: typeof rows): Pick<Run, 'start' | 'end'> => ({
    start: Math.max(
      0,
      low.findIndex((cell) => cell >= 0),
    ),
    end: low.findLastIndex((cell) => cell >= 0) + 1,
  });
  const across = reach(columns);
  const rowBytes = frameWidth * 4 * 8;
  const { smooth, memory, block, behind } = kernelFor(frameWidth * 3, 2 * rowBytes);

  /**
   * Puts down one row of the grid, `[frameWidth, 4]`: red, green and blue times weight, weight; all times the opacity.
   */
  function stretch(row: number, to: number): void {
    const stretched = new Float64Array(memory, to, frameWidth * 4);
    for (let x = across.start; x < across.end; x++) {
      const left = (row * grid.width + columns.low[x]!) * 4;
      const right = columns.low[x]! + 1 < grid.width ? left + 4 : left;
      const share = columns.share[x]!;
      const a = grid.colors[left + 3] ? (1 - share) * opacity : 0;
      const b = grid.colors[right + 3] ? share * opacity : 0;
      for (let c = 0; c < 3; c++) stretched[x * 4 + c] = a * grid.colors[left + c]! + b * grid.colors[right + c]!;
      stretched[x * 4 + 3] = a + b;
    }
  }
  let [upper, lower] = [behind, behind + rowBytes];
  let held = [-1, -1];
  copyFrame(rgb, out, frameWidth * 3, reach(rows), block, (y, at) => {
    const top = rows.low[y]!;
    const bottom = Math.min(grid.height - 1, top + 1);
    if (held[0] !== top) {
      [upper, lower] = [lower, upper];
      if (held[1] !== top) stretch(top, upper);
      stretch(bottom, lower);
      held = [top, bottom];
    }
    const down = rows.share[y]!;
    const from = across.start * 32;
    smooth(at + across.start * 3, across.end - across.start, upper + from, 1 - down, lower + from, down);
  });
}
