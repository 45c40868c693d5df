// The land of the Earth as rings of degrees: Natural Earth, 1 : 110 million, which is in the public domain.

import land from 'world-atlas/land-110m.json' with { type: 'json' };
import type { Point } from './spots.ts';

/** A ring of land, or of a lake in it, and its least and greatest longitude. */
export interface CoastRing {
  readonly points: readonly Point[];
  readonly west: number;
  readonly east: number;
}

/** All rings; those that cross 180 degrees go on beyond it. */
export const coast: readonly CoastRing[] = ringsOf(land).map((ring) => {
  const points = unwrapped(ring);
  const longitudes = points.map(([longitude]) => longitude);
  return { points, west: Math.min(...longitudes), east: Math.max(...longitudes) };
});

/** Without the jumps of a whole turn between neighbours; what goes around a pole is closed there. */
function unwrapped(ring: readonly Point[]): Point[] {
  let turn = 0;
  const points = ring.map(([longitude, latitude], i): Point => {
    const before = ring[i - 1]?.[0] ?? longitude;
    if (Math.abs(longitude - before) > 180) turn += longitude < before ? 360 : -360;
    return [longitude + turn, latitude];
  });
  const [[first, latitude], [last]] = [points[0]!, points.at(-1)!];
  if (Math.abs(last - first) < 180) return points;
  const pole = latitude < 0 ? -90 : 90;
  return [...points, [last, pole], [first, pole]];
}

/** Decodes the one object of a topology: https://github.com/topojson/topojson-specification */
function ringsOf({ arcs, transform, objects }: typeof land): Point[][] {
  const [scaleX, scaleY] = transform.scale as [number, number];
  const [left, foot] = transform.translate as [number, number];
  const lines = arcs.map((arc) => {
    let [x, y] = [0, 0];
    return arc.map(([byX, byY]): Point => {
      x += byX!;
      y += byY!;
      return [x * scaleX + left, y * scaleY + foot];
    });
  });
  const line = (index: number): Point[] => (index < 0 ? [...lines[~index]!].reverse() : lines[index]!);
  return objects.land.geometries.flatMap(({ arcs: polygons }) =>
    polygons.flatMap((polygon) =>
      polygon.map((ring) => ring.flatMap((index, i) => line(index).slice(i === 0 ? 0 : 1))),
    ),
  );
}
