// Easting and northing of a conformal conic projection of two parallels, as longitude and latitude.

import type { Albers } from './albers.ts';
import { geographicTangent, type ToDegrees } from './transverse-mercator.ts';

const degrees = 180 / Math.PI;

/**
 * J. P. Snyder, Map projections: a working manual (USGS Professional Paper 1395), equations 15-1 to 15-11; without false
 * easting and northing.
 */
export function lambertConicToDegrees({
  ellipsoid: { radius, flattening: f },
  parallels,
  latitudeOfOrigin,
  centralMeridian,
}: Albers): ToDegrees {
  const e2 = f * (2 - f);
  const [first, second, origin] = [...parallels, latitudeOfOrigin].map((each) => each / degrees) as [
    number,
    number,
    number,
  ];
  const m = (at: number): number => Math.cos(at) / Math.sqrt(1 - e2 * Math.sin(at) ** 2);
  const t = (at: number): number => Math.exp(-isometric(at, f));
  const n =
    first === second
      ? Math.sin(first)
      : (Math.log(m(first)) - Math.log(m(second))) / (Math.log(t(first)) - Math.log(t(second)));
  const scale = (radius * m(first)) / (n * t(first) ** n);
  const rho0 = scale * t(origin) ** n;
  return (x, y) => {
    const side = Math.sign(n);
    const rho = side * Math.hypot(x, rho0 - y);
    const turn = Math.atan2(side * x, side * (rho0 - y));
    const latitude = rho === 0 ? (side * Math.PI) / 2 : latitudeOf(-Math.log(rho / scale) / n, f);
    return [centralMeridian + (turn / n) * degrees, latitude * degrees];
  };
}

/** The isometric latitude of a latitude, in radians. */
export function isometric(latitude: number, flattening: number): number {
  const e = Math.sqrt(flattening * (2 - flattening));
  const sine = Math.sin(latitude);
  return Math.atanh(sine) - e * Math.atanh(e * sine);
}

/** The latitude of an isometric latitude, in radians. */
export const latitudeOf = (isometricLatitude: number, flattening: number): number =>
  Math.abs(isometricLatitude) > 40
    ? (Math.sign(isometricLatitude) * Math.PI) / 2
    : Math.atan(geographicTangent(Math.sinh(isometricLatitude), flattening));
