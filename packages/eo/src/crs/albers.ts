// Easting and northing of an Albers equal-area projection, as longitude and latitude.

import { authalicOf } from './authalic.ts';
import { fromTip, latitudesOf, type Conic } from './conic.ts';
import type { ToDegrees } from './transverse-mercator.ts';

const degrees = 180 / Math.PI;

/** J. P. Snyder, Map projections: a working manual (USGS Professional Paper 1395), equations 14-1 to 14-12. */
export function albersToDegrees(map: Conic): ToDegrees {
  const { radius, flattening: f } = map.ellipsoid;
  const e2 = f * (2 - f);
  const { q, latitude } = authalicOf(f);
  const m2 = (at: number): number => Math.cos(at) ** 2 / (1 - e2 * Math.sin(at) ** 2);
  const [first, second, origin] = latitudesOf(map);
  const [q1, q2] = [q(Math.sin(first)), q(Math.sin(second))];
  const n = (m2(first) - m2(second)) / (q2 - q1);
  const c = m2(first) + n * q1;
  const cone = { n, rho0: (radius * Math.sqrt(c - n * q(Math.sin(origin)))) / n, ...map };
  return (x, y) => {
    const [rho, longitude] = fromTip([x, y], cone);
    const wanted = (c - ((rho * n) / radius) ** 2) / n;
    return [longitude, latitude(wanted) * degrees];
  };
}
