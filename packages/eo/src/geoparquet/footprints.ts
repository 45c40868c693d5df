// Where the tokens of an item lie, as geometries.

import { geometryOf, type Clip } from '@deepearth/core';
import { apply, partOf, type Affine } from '../affine.ts';
import { commonGeoreference } from '../place/georeference-of.ts';
import type { GridItem } from '../place/grid-item.ts';
import { cellsInside, type Run } from '../place/cells-inside.ts';
import { pointWkb, polygonWkb, type Point } from './wkb.ts';

/** A geometry and its bounds. */
export interface Footprint {
  readonly wkb: Uint8Array;
  readonly xmin: number;
  readonly ymin: number;
  readonly xmax: number;
  readonly ymax: number;
}

/** The cells of a grid that have a place, and what the coordinates of their geometries mean. */
export interface Footprints {
  /** "EPSG:32633" or WKT; `OGC:CRS84` for the position of a camera; absent where the frames lie nowhere. */
  readonly crs?: string;
  readonly type?: 'Point' | 'Polygon';
  readonly rows: Run;
  readonly columns: Run;
  /** The cell of a row and a column of the grid; `undefined` where the frames lie nowhere. */
  at(row: number, column: number): Footprint | undefined;
}

/** What GeoParquet takes coordinates for that it is told nothing of: longitude and latitude of WGS 84. */
export const longitudeLatitude = 'OGC:CRS84';

/**
 * The footprints of the cells of a grid of `height x width` (1 x 1 for a vector of a whole clip), in the coordinates of
 * its frames: what a token saw, or the middle of it. Of a camera all cells have the point where it stands. Throws an
 * `InputError` for frames that lie in several places.
 */
export function footprintsOf(item: GridItem, height: number, width: number, wanted: 'polygon' | 'point'): Footprints {
  const all: Run = { first: 0, count: 0 };
  const whole = { rows: { ...all, count: height }, columns: { ...all, count: width } };
  const georeference = commonGeoreference(item);
  const geometry = geometryOf(item);
  if (!georeference || !geometry) {
    const position = positionOf(item.clip);
    return position
      ? { ...whole, crs: longitudeLatitude, type: 'Point', at: () => pointAt(position) }
      : { ...whole, at: () => undefined };
  }
  const { x, y } = geometry;
  const cells = partOf(georeference.transform, {
    x,
    y,
    width: geometry.width / width,
    height: geometry.height / height,
  });
  return {
    ...cellsInside(geometry, height, width),
    crs: georeference.crs,
    type: wanted === 'polygon' ? 'Polygon' : 'Point',
    at: (row, column) =>
      wanted === 'polygon' ? cellAt(cells, row, column) : pointAt(apply(cells, column + 0.5, row + 0.5)),
  };
}

/** Where the camera of all frames stands. */
function positionOf(clip: Clip | undefined): Point | undefined {
  const places = new Set(clip?.frames.map(({ position }) => position && `${position.longitude} ${position.latitude}`));
  const position = clip?.frames[0]?.position;
  return places.size === 1 && position ? [position.longitude, position.latitude] : undefined;
}

const pointAt = (point: Point): Footprint => {
  const [x, y] = point;
  return { wkb: pointWkb(point), xmin: x, ymin: y, xmax: x, ymax: y };
};

function cellAt(cells: Affine, row: number, column: number): Footprint {
  const [a, b, , d, e] = cells;
  const corner = (dx: number, dy: number): Point => apply(cells, column + dx, row + dy);
  const ring = [corner(0, 1), corner(1, 1), corner(1, 0), corner(0, 0)];
  // Against the clock, also where rows run to the north.
  if (a * e - b * d > 0) ring.reverse();
  const xs = ring.map(([x]) => x);
  const ys = ring.map(([, y]) => y);
  return {
    wkb: polygonWkb(ring),
    xmin: Math.min(...xs),
    ymin: Math.min(...ys),
    xmax: Math.max(...xs),
    ymax: Math.max(...ys),
  };
}
