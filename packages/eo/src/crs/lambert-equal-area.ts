// Easting and northing of Lambert's equal-area projections, azimuthal and cylindrical, as longitude and latitude.

import { authalicOf } from './authalic.ts';
import type { Ellipsoid, ToDegrees } from './transverse-mercator.ts';

/** Parameters of one map, in degrees; without false easting and northing. */
export interface EqualArea {
  readonly ellipsoid: Ellipsoid;
  /** Of the middle of an azimuthal map; the standard parallel of a cylindrical one. */
  readonly latitude: number;
  readonly centralMeridian: number;
}

const degrees = 180 / Math.PI;

/** J. P. Snyder, Map projections: a working manual (USGS Professional Paper 1395), equations 24-16 to 24-32. */
export function azimuthalEqualAreaToDegrees({
  ellipsoid: { radius, flattening: f },
  latitude,
  centralMeridian,
}: EqualArea): ToDegrees {
  const e2 = f * (2 - f);
  const authalic = authalicOf(f);
  if (Math.abs(latitude) === 90) {
    const pole = Math.sign(latitude);
    return (x, y) => [
      centralMeridian + Math.atan2(x, -pole * y) * degrees,
      pole * authalic.latitude(authalic.pole - (x ** 2 + y ** 2) / radius ** 2) * degrees,
    ];
  }
  const sine = Math.sin(latitude / degrees);
  const beta = Math.asin(authalic.q(sine) / authalic.pole);
  const authalicRadius = radius * Math.sqrt(authalic.pole / 2);
  const stretch =
    (radius * Math.cos(latitude / degrees)) / Math.sqrt(1 - e2 * sine ** 2) / (authalicRadius * Math.cos(beta));
  return (x, y) => {
    const rho = Math.hypot(x / stretch, stretch * y);
    if (rho === 0) return [centralMeridian, latitude];
    const angle = 2 * Math.asin(Math.min(1, rho / (2 * authalicRadius)));
    const [sin, cos] = [Math.sin(angle), Math.cos(angle)];
    const found = cos * Math.sin(beta) + (stretch * y * sin * Math.cos(beta)) / rho;
    return [
      centralMeridian +
        Math.atan2(x * sin, stretch * rho * Math.cos(beta) * cos - stretch ** 2 * y * Math.sin(beta) * sin) * degrees,
      authalic.latitude(authalic.pole * found) * degrees,
    ];
  };
}

/** Snyder, equations 10-13 to 10-18. */
export function cylindricalEqualAreaToDegrees({
  ellipsoid: { radius, flattening: f },
  latitude,
  centralMeridian,
}: EqualArea): ToDegrees {
  const authalic = authalicOf(f);
  const sine = Math.sin(latitude / degrees);
  const scale = Math.cos(latitude / degrees) / Math.sqrt(1 - f * (2 - f) * sine ** 2);
  return (x, y) => [
    centralMeridian + (x / (radius * scale)) * degrees,
    authalic.latitude((2 * y * scale) / radius) * degrees,
  ];
}
