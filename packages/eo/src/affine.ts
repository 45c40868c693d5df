// The six numbers that map pixels to coordinates: corners of pixels, as rasterio orders them.

import type { Georeference, Rectangle } from '@deepearth/core';

/** `[a, b, c, d, e, f]`: x = a·column + b·row + c, y = d·column + e·row + f, of a pixel's upper left corner. */
export type Affine = Georeference['transform'];

/** Coordinates of a point of the picture, in pixels from its upper left corner. */
export const apply = ([a, b, c, d, e, f]: Affine, column: number, row: number): readonly [x: number, y: number] => [
  a * column + b * row + c,
  d * column + e * row + f,
];

/**
 * The same map for a part of the picture: pixels of `width x height` pixels of the picture each, from a corner at
 * `(x, y)` on.
 */
export const partOf = (transform: Affine, { x, y, width, height }: Rectangle): Affine => {
  const [a, b, , d, e] = transform;
  const [originX, originY] = apply(transform, x, y);
  return [a * width, b * height, originX, d * width, e * height, originY];
};

/** GDAL's order: x of the corner, x of a column, x of a row, y of the corner, y of a column, y of a row. */
export const toGdal = ([a, b, c, d, e, f]: Affine): readonly number[] => [c, a, b, f, d, e];

/** `[left, bottom, right, top]` of the outline of a picture, whichever way it is turned. */
export function boundsOf(transform: Affine, width: number, height: number): readonly [number, number, number, number] {
  const corners = [
    apply(transform, 0, 0),
    apply(transform, width, 0),
    apply(transform, 0, height),
    apply(transform, width, height),
  ];
  const xs = corners.map(([x]) => x);
  const ys = corners.map(([, y]) => y);
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}

/** Whether rows run to the south and columns to the east, without rotation. */
export const isNorthUp = ([a, b, , d, e]: Affine): boolean => b === 0 && d === 0 && a > 0 && e < 0;
