// Easting and northing of a conformal conic projection of two parallels, as longitude and latitude.

import { isometric, latitudeOf } from './conformal.ts';
import { fromTip, latitudesOf, type Conic } from './conic.ts';
import type { ToDegrees } from './transverse-mercator.ts';

const degrees = 180 / Math.PI;

/** J. P. Snyder, Map projections: a working manual (USGS Professional Paper 1395), equations 15-1 to 15-11. */
export function lambertConicToDegrees(map: Conic): ToDegrees {
  const { radius, flattening: f } = map.ellipsoid;
  const e2 = f * (2 - f);
  const [first, second, origin] = latitudesOf(map);
  const m = (at: number): number => Math.cos(at) / Math.sqrt(1 - e2 * Math.sin(at) ** 2);
  const t = (at: number): number => Math.exp(-isometric(at, f));
  const n =
    first === second
      ? Math.sin(first)
      : (Math.log(m(first)) - Math.log(m(second))) / (Math.log(t(first)) - Math.log(t(second)));
  const scale = (radius * m(first)) / (n * t(first) ** n);
  const cone = { n, rho0: scale * t(origin) ** n, ...map };
  return (x, y) => {
    const [rho, longitude] = fromTip([x, y], cone);
    const latitude = rho === 0 ? (Math.sign(n) * Math.PI) / 2 : latitudeOf(-Math.log(rho / scale) / n, f);
    return [longitude, latitude * degrees];
  };
}
