// What conic projections of two parallels have in common.

import type { Ellipsoid } from './transverse-mercator.ts';

/** Parameters of one map, in degrees; without false easting and northing. */
export interface Conic {
  readonly ellipsoid: Ellipsoid;
  readonly parallels: readonly [first: number, second: number];
  readonly latitudeOfOrigin: number;
  readonly centralMeridian: number;
}

const degrees = 180 / Math.PI;

/** The two parallels and the latitude of origin, in radians. */
export const latitudesOf = ({ parallels, latitudeOfOrigin }: Conic): [first: number, second: number, origin: number] =>
  [...parallels, latitudeOfOrigin].map((each) => each / degrees) as [number, number, number];

/**
 * How far a place of the map is from the tip of the cone, and its longitude in degrees. `n` is the cone's constant,
 * `rho0` the distance of the origin. South of the equator both turn round: the cone opens the other way.
 */
export function fromTip(
  [x, y]: readonly [number, number],
  { n, rho0, centralMeridian }: { readonly n: number; readonly rho0: number; readonly centralMeridian: number },
): [rho: number, longitude: number] {
  const side = Math.sign(n);
  const turn = Math.atan2(side * x, side * (rho0 - y));
  return [side * Math.hypot(x, rho0 - y), centralMeridian + (turn / n) * degrees];
}
