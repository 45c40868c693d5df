// Where the tiles of a scene lie.

import type { Rectangle } from '@deepearth/core';

/** One tile of a scene. */
export interface Tile {
  /** "r00c01": row and column, with as many digits as the last one needs, and two at least. */
  readonly name: string;
  readonly window: Rectangle;
}

/**
 * Where the tiles of one edge begin, in pixels: side by side less the overlap, the last one moved back so that it ends
 * with the scene; one at 0 where the scene is not longer than a tile.
 */
export function tileStarts(length: number, size: number, overlap: number): number[] {
  if (length <= size) return [0];
  const step = size - overlap;
  const count = Math.ceil((length - overlap) / step);
  return Array.from({ length: count }, (_, i) => Math.min(i * step, length - size));
}

/** The tiles of an area, row by row. */
export function tilesOf({ x: left, y: top, width, height }: Rectangle, size: number, overlap: number): Tile[] {
  const [columns, rows] = [tileStarts(width, size, overlap), tileStarts(height, size, overlap)];
  const digits = Math.max(2, ...[rows, columns].map(({ length }) => String(length - 1).length));
  const padded = (index: number): string => String(index).padStart(digits, '0');
  return rows.flatMap((y, row) =>
    columns.map((x, column) => ({
      name: `r${padded(row)}c${padded(column)}`,
      window: { x: left + x, y: top + y, width: Math.min(size, width), height: Math.min(size, height) },
    })),
  );
}

/** The sequence of one tile of a scene. */
export const tileSequence = (sequence: string, { name }: Tile): string => `${sequence}/${name}`;
