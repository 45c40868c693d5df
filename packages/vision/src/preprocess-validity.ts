// Which tokens see data: not padding alone, not pixels without data alone.

import { cellRectangle, type Layout } from './geometry.ts';

/**
 * `[steps, grid.height, grid.width]` with `steps = max(1, floor(frames / tubelet))`, 1 where any pixel under the token,
 * in any frame it spans, holds data; `undefined` when all tokens do. `masks` has `[frameHeight, frameWidth]` for each
 * frame, absent where the frame is whole.
 */
export function tokenValidity(
  masks: readonly (Uint8Array | undefined)[],
  { geometry, grid }: Layout,
  tubelet: number,
): Uint8Array | undefined {
  const { frameWidth, frameHeight } = geometry;
  const steps = Math.max(1, Math.floor(masks.length / tubelet));
  const out = new Uint8Array(steps * grid.height * grid.width);
  const known = new Map<Uint8Array | undefined, Uint8Array>();
  const columns = spans(grid.width, (column) => cellRectangle(geometry, grid, 0, column), 'x', 'width', frameWidth);
  const rows = spans(grid.height, (row) => cellRectangle(geometry, grid, row, 0), 'y', 'height', frameHeight);
  masks.slice(0, steps * tubelet).forEach((mask, frame) => {
    let seen = known.get(mask);
    if (!seen) known.set(mask, (seen = seenCells(mask, frameWidth, rows, columns)));
    const at = Math.floor(frame / tubelet) * seen.length;
    for (let i = 0; i < seen.length; i++) out[at + i]! |= seen[i]!;
  });
  return out.includes(0) ? out : undefined;
}

type Span = readonly [from: number, to: number];

/**
 * The whole pixels a row or column of cells touches; empty (`from >= to`) outside the frame. A hair at an edge is
 * arithmetic noise, no pixel.
 */
function spans<K extends 'x' | 'y', S extends 'width' | 'height'>(
  count: number,
  cell: (index: number) => Record<K | S, number>,
  start: K,
  size: S,
  limit: number,
): Span[] {
  return Array.from({ length: count }, (_, index) => {
    const rectangle = cell(index);
    const from = rectangle[start];
    return [Math.max(Math.floor(from + 1e-6), 0), Math.min(Math.ceil(from + rectangle[size] - 1e-6), limit)];
  });
}

function seenCells(
  mask: Uint8Array | undefined,
  frameWidth: number,
  rows: readonly Span[],
  columns: readonly Span[],
): Uint8Array {
  const out = new Uint8Array(rows.length * columns.length);
  rows.forEach(([top, bottom], row) =>
    columns.forEach(([left, right], column) => {
      let seen = top < bottom && left < right;
      if (mask && seen) {
        seen = false;
        for (let y = top; y < bottom && !seen; y++)
          seen = mask.subarray(y * frameWidth + left, y * frameWidth + right).includes(1);
      }
      out[row * columns.length + column] = seen ? 1 : 0;
    }),
  );
  return out;
}
