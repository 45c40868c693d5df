// The land of the Earth as rings of degrees: Natural Earth, 1 : 110 million, which is in the public domain.

import land from 'world-atlas/land-110m.json' with { type: 'json' };
import type { Point } from './spots.ts';

/** Rings of land and of lakes in it. */
export const coast: readonly (readonly Point[])[] = ringsOf(land);

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
    polygons.flatMap((polygon) => polygon.map((ring) => ring.flatMap((index, i) => line(index).slice(i === 0 ? 0 : 1)))),
  );
}
