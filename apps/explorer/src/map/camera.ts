// How degrees become pixels of the map: equirectangular, with lengths true at one latitude.

import type { Point, Spot } from './spots.ts';

/** What the map shows. */
export interface Camera {
  readonly middle: Point;
  /** Pixels of the page for a degree of latitude. */
  readonly scale: number;
}

/** A camera over a canvas, in pixels of the page. */
export interface View {
  readonly width: number;
  readonly height: number;
  /** Pixels for a degree of longitude and of latitude. */
  readonly across: number;
  readonly down: number;
  toPage(point: Point): readonly [x: number, y: number];
  toDegrees(x: number, y: number): Point;
}

/** Metres of a degree of latitude, of a sphere as large as the Earth. */
export const metersOfDegree = (Math.PI / 180) * 6_371_008.8;

/** The most that one can come near: a pixel is then a centimetre. */
const nearest = metersOfDegree / 0.01;
/** Places alone are not shown nearer than this many degrees across. */
const leastExtent = 0.02;

export function viewOf(camera: Camera, squeeze: number, width: number, height: number): View {
  const [across, down] = [camera.scale * squeeze, camera.scale];
  const [longitude, latitude] = camera.middle;
  return {
    width,
    height,
    across,
    down,
    toPage: ([x, y]) => [width / 2 + (x - longitude) * across, height / 2 - (y - latitude) * down],
    toDegrees: (x, y) => [longitude + (x - width / 2) / across, latitude - (y - height / 2) / down],
  };
}

/** How much shorter a degree of longitude is than one of latitude in the middle of all places. */
export function squeezeOf(spots: readonly Pick<Spot, 'bounds'>[]): number {
  const [, south, , north] = boundsOfAll(spots);
  return Math.max(0.1, Math.cos((((south + north) / 2) * Math.PI) / 180));
}

/** West, south, east, north of all places; the Earth where there are none. */
export function boundsOfAll(spots: readonly Pick<Spot, 'bounds'>[]): Spot['bounds'] {
  if (spots.length === 0) return [-180, -90, 180, 90];
  const of = (side: number, choose: (a: number, b: number) => number): number =>
    spots.reduce((found, { bounds }) => choose(found, bounds[side]!), spots[0]!.bounds[side]!);
  return [of(0, Math.min), of(1, Math.min), of(2, Math.max), of(3, Math.max)];
}

/** A camera that sees all of some bounds with a margin. */
export function fitted(
  [west, south, east, north]: Spot['bounds'],
  squeeze: number,
  { width, height }: { readonly width: number; readonly height: number },
): Camera {
  const across = Math.max(east - west, leastExtent) * squeeze;
  const down = Math.max(north - south, leastExtent);
  return within(
    { middle: [(west + east) / 2, (south + north) / 2], scale: Math.min(width / across, height / down) * 0.86 },
    squeeze,
    width,
  );
}

/** The same within what makes sense: not more than the Earth, not less than a centimetre, not beyond the poles. */
export function within({ middle: [longitude, latitude], scale }: Camera, squeeze: number, width: number): Camera {
  return {
    middle: [longitude, Math.min(90, Math.max(-90, latitude))],
    scale: Math.min(nearest, Math.max(scale, Math.max(1, width) / 360 / squeeze)),
  };
}

/** Nearer or farther by a factor, so that what is under a point of the page stays there. */
export function zoomed(
  camera: Camera,
  view: View,
  squeeze: number,
  factor: number,
  x = view.width / 2,
  y = view.height / 2,
): Camera {
  const fixed = view.toDegrees(x, y);
  const { scale } = within({ ...camera, scale: camera.scale * factor }, squeeze, view.width);
  return within(
    {
      middle: [fixed[0] - (x - view.width / 2) / (scale * squeeze), fixed[1] + (y - view.height / 2) / scale],
      scale,
    },
    squeeze,
    view.width,
  );
}

/** A length of 1, 2 or 5 times a power of ten, at most as long as wanted. */
export function roundLength(most: number): number {
  const power = 10 ** Math.floor(Math.log10(most));
  return [5, 2, 1].map((each) => each * power).find((each) => each <= most * (1 + 1e-9)) ?? power;
}

/** Steps of lines of longitude and latitude, in degrees. */
const steps = [
  90, 45, 30, 15, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 0.0005, 0.0002, 0.0001, 0.00005,
  0.00002, 0.00001,
];

/** The least step whose lines are `apart` pixels away from each other, or more. */
export const graticuleStep = (pixelsOfDegree: number, apart: number): number =>
  steps.findLast((step) => step * pixelsOfDegree >= apart) ?? 90;
