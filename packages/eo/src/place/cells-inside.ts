// Which cells of a grid of tokens see a part of the frame.

import type { Geometry } from '@deepearth/core/items';

/** A run of cells along one axis. */
export interface Run {
  readonly first: number;
  readonly count: number;
}

/**
 * The cells of a grid that see a part of the frame: those that only see what an encoder put around it have no place.
 */
export const cellsInside = (
  geometry: Geometry,
  height: number,
  width: number,
): { readonly rows: Run; readonly columns: Run } => ({
  rows: insideOf(geometry.y, geometry.height / height, height, geometry.frameHeight),
  columns: insideOf(geometry.x, geometry.width / width, width, geometry.frameWidth),
});

/** The cells along one axis that see a part of the frame, which reaches from 0 to `length`. */
function insideOf(start: number, cell: number, count: number, length: number): Run {
  const noise = 1e-6;
  const first = Math.min(Math.max(Math.floor(-start / cell + noise), 0), count - 1);
  const end = Math.max(Math.min(Math.ceil((length - start) / cell - noise), count), first + 1);
  return { first, count: end - first };
}
