// Easting and northing of an Albers equal-area projection, as longitude and latitude.

import { authalicOf } from './authalic.ts';
import type { Ellipsoid, ToDegrees } from './transverse-mercator.ts';

/** Parameters of one map, in degrees; without false easting and northing. */
export interface Albers {
  readonly ellipsoid: Ellipsoid;
  readonly parallels: readonly [number, number];
  readonly latitudeOfOrigin: number;
  readonly centralMeridian: number;
}

const degrees = 180 / Math.PI;

/** J. P. Snyder, Map projections: a working manual (USGS Professional Paper 1395), equations 14-1 to 14-12. */
export function albersToDegrees({
  ellipsoid: { radius, flattening: f },
  parallels,
  latitudeOfOrigin,
  centralMeridian,
}: Albers): ToDegrees {
  const e2 = f * (2 - f);
  const { q, latitude } = authalicOf(f);
  const m2 = (at: number): number => Math.cos(at) ** 2 / (1 - e2 * Math.sin(at) ** 2);
  const [first, second, origin] = [...parallels, latitudeOfOrigin].map((each) => each / degrees) as [
    number,
    number,
    number,
  ];
  const [q1, q2] = [q(Math.sin(first)), q(Math.sin(second))];
  const n = (m2(first) - m2(second)) / (q2 - q1);
  const c = m2(first) + n * q1;
  const rho0 = (radius * Math.sqrt(c - n * q(Math.sin(origin)))) / n;
  return (x, y) => {
    // South of the equator both turn round: the cone opens the other way.
    const rho = Math.sign(n) * Math.hypot(x, rho0 - y);
    const wanted = (c - ((rho * n) / radius) ** 2) / n;
    const turn = Math.atan2(Math.sign(n) * x, Math.sign(n) * (rho0 - y));
    return [centralMeridian + (turn / n) * degrees, latitude(wanted) * degrees];
  };
}
