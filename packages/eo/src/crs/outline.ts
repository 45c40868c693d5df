// The outline of a raster in degrees: its bounds, and a GeoJSON geometry.

import { apply, type Affine } from '../affine.ts';
import { toDegreesOf } from './to-degrees.ts';

type Point = readonly [longitude: number, latitude: number];

/** Where a raster lies. */
export interface Outline {
  /** West, south, east, north; west is the greater one where the raster lies across 180 degrees. */
  readonly bounds: readonly [number, number, number, number];
  /** Its four corners and points between them, anticlockwise; in two parts across 180 degrees. */
  readonly geometry:
    | { readonly type: 'Polygon'; readonly coordinates: readonly (readonly Point[])[] }
    | { readonly type: 'MultiPolygon'; readonly coordinates: readonly (readonly (readonly Point[])[])[] };
}

/** Points between two corners: those that PROJ's `proj_trans_bounds` takes by default. */
const between = 21;

/** The outline of a raster; `undefined` where its coordinate system is not known here. */
export function outlineOf(crs: string, transform: Affine, width: number, height: number): Outline | undefined {
  const toDegrees = toDegreesOf(crs);
  if (!toDegrees) return undefined;
  const ring = (points: number): Point[] => {
    const corners = [
      [0, 0],
      [0, height],
      [width, height],
      [width, 0],
    ] as const;
    const found = corners.flatMap(([x, y], i) => {
      const [toX, toY] = corners[(i + 1) % 4]!;
      return Array.from({ length: points + 1 }, (_, step) => {
        const share = step / (points + 1);
        return toDegrees(...apply(transform, x + (toX - x) * share, y + (toY - y) * share));
      });
    });
    return unbroken(found);
  };
  const coarse = ring(3);
  // The geometry must not leave the bounds, not even by the last digits.
  const all = [...ring(between), ...coarse];
  const longitudes = all.map(([longitude]) => longitude);
  const latitudes = all.map(([, latitude]) => latitude);
  const [west, east] = [Math.min(...longitudes), Math.max(...longitudes)];
  const [south, north] = [Math.min(...latitudes), Math.max(...latitudes)];
  if (![west, east, south, north].every(Number.isFinite)) return undefined;
  // A ring that has gone round once when it is closed has a pole inside.
  if (Math.abs(coarse.at(-1)![0] - coarse[0]![0]) > 180) {
    const [low, high] = south > 0 ? [south, 90] : [-90, north];
    return { bounds: [-180, low, 180, high], geometry: box(-180, low, 180, high) };
  }
  // What goes round the Earth has no side.
  if (east - west >= 360) return { bounds: [-180, south, 180, north], geometry: box(-180, south, 180, north) };
  const turn = Math.floor((west + 180) / 360) * 360;
  const moved = (points: readonly Point[], by: number): Point[] => points.map(([x, y]) => [x - by, y]);
  const outline = anticlockwise(moved(coarse, turn));
  if (east - turn <= 180)
    return {
      bounds: [west - turn, south, east - turn, north],
      geometry: { type: 'Polygon', coordinates: [closed(outline)] },
    };
  const parts = [
    cut(outline, (x) => x <= 180),
    moved(
      cut(outline, (x) => x >= 180),
      360,
    ),
  ];
  return {
    bounds: [west - turn, south, east - turn - 360, north],
    geometry: { type: 'MultiPolygon', coordinates: parts.map((part) => [closed(part)]) },
  };
}

/** Longitudes that go on where the angle of a polar map begins anew. */
function unbroken(ring: readonly Point[]): Point[] {
  let turn = 0;
  return ring.map(([x, y], i) => {
    const before = ring[i - 1]?.[0] ?? x;
    turn -= Math.round((x - before) / 360) * 360;
    return [x + turn, y];
  });
}

const box = (west: number, south: number, east: number, north: number): Outline['geometry'] => ({
  type: 'Polygon',
  coordinates: [
    [
      [west, south],
      [east, south],
      [east, north],
      [west, north],
      [west, south],
    ],
  ],
});

const closed = (ring: readonly Point[]): Point[] => [...ring, ring[0]!];

function anticlockwise(ring: readonly Point[]): readonly Point[] {
  const twice = ring.reduce((sum, [x, y], i) => {
    const [nextX, nextY] = ring[(i + 1) % ring.length]!;
    return sum + x * nextY - nextX * y;
  }, 0);
  return twice < 0 ? [...ring].reverse() : ring;
}

/** The part of a ring on one side of the meridian of 180 degrees (Sutherland and Hodgman, 1974). */
function cut(ring: readonly Point[], keeps: (longitude: number) => boolean): Point[] {
  return ring.flatMap((point, i): Point[] => {
    const next = ring[(i + 1) % ring.length]!;
    const [x, y] = point;
    const [toX, toY] = next;
    const own = keeps(x) ? [point] : [];
    return keeps(x) === keeps(toX) || x === 180 || toX === 180
      ? own
      : [...own, [180, y + ((toY - y) * (180 - x)) / (toX - x)]];
  });
}
