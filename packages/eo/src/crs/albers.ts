// Easting and northing of an Albers equal-area projection, as longitude and latitude.

import type { Ellipsoid, ToDegrees } from './transverse-mercator.ts';

/** Parameters of one map, in degrees; without false easting and northing. */
export interface Albers {
  readonly ellipsoid: Ellipsoid;
  readonly parallels: readonly [number, number];
  readonly latitudeOfOrigin: number;
  readonly centralMeridian: number;
}

const degrees = 180 / Math.PI;

/** J. P. Snyder, Map projections: a working manual (USGS Professional Paper 1395), equations 14-1 to 14-12 and 3-16. */
export function albersToDegrees({
  ellipsoid: { radius, flattening: f },
  parallels,
  latitudeOfOrigin,
  centralMeridian,
}: Albers): ToDegrees {
  const e2 = f * (2 - f);
  const e = Math.sqrt(e2);
  const q = (sine: number): number =>
    (1 - e2) * (sine / (1 - e2 * sine ** 2) - Math.log((1 - e * sine) / (1 + e * sine)) / (2 * e));
  const m2 = (latitude: number): number => Math.cos(latitude) ** 2 / (1 - e2 * Math.sin(latitude) ** 2);
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
    const rho = Math.hypot(x, rho0 - y);
    const wanted = (c - ((rho * n) / radius) ** 2) / n;
    let latitude = Math.asin(Math.max(-1, Math.min(1, wanted / 2)));
    for (let i = 0; i < 12; i++) {
      const sine = Math.sin(latitude);
      const step = ((1 - e2 * sine ** 2) ** 2 / (2 * Math.cos(latitude) * (1 - e2))) * (wanted - q(sine));
      latitude += step;
      if (Math.abs(step) < 1e-15) break;
    }
    return [centralMeridian + (Math.atan2(x, rho0 - y) / n) * degrees, latitude * degrees];
  };
}
