// Easting and northing of a polar stereographic projection, as longitude and latitude.

import { isometric, latitudeOf } from './conformal.ts';
import type { Ellipsoid, ToDegrees } from './transverse-mercator.ts';

/** Parameters of one map; without false easting and northing. */
export interface PolarStereographic {
  readonly ellipsoid: Ellipsoid;
  /** Degrees: the parallel that has its true length, negative around the south pole; or that pole itself. */
  readonly latitude: number;
  /** Degrees. */
  readonly centralMeridian: number;
  /** The scale at the pole, where `latitude` is one. */
  readonly scale?: number;
}

const degrees = 180 / Math.PI;

/** J. P. Snyder, Map projections: a working manual (USGS Professional Paper 1395), equations 21-33 to 21-40. */
export function polarStereographicToDegrees({
  ellipsoid: { radius, flattening: f },
  latitude,
  centralMeridian,
  scale = 1,
}: PolarStereographic): ToDegrees {
  const e2 = f * (2 - f);
  const e = Math.sqrt(e2);
  const pole = Math.sign(latitude);
  const parallel = Math.abs(latitude) / degrees;
  /** What the radius of a parallel is divided by. */
  const unit =
    Math.abs(latitude) === 90
      ? (2 * radius * scale) / Math.sqrt((1 + e) ** (1 + e) * (1 - e) ** (1 - e))
      : (radius * Math.cos(parallel)) / Math.sqrt(1 - e2 * Math.sin(parallel) ** 2) / Math.exp(-isometric(parallel, f));
  return (x, y) => {
    const rho = Math.hypot(x, y);
    const away = rho === 0 ? Math.PI / 2 : latitudeOf(-Math.log(rho / unit), f);
    return [centralMeridian + Math.atan2(x, -pole * y) * degrees, pole * away * degrees];
  };
}
