// Easting and northing of a transverse Mercator projection, as longitude and latitude.

import { geographicTangent } from './conformal.ts';

/** An ellipsoid: its equatorial radius in metres, and its flattening. */
export interface Ellipsoid {
  readonly radius: number;
  readonly flattening: number;
}
export const wgs84: Ellipsoid = { radius: 6_378_137, flattening: 1 / 298.257223563 };

/** Coordinates as longitude and latitude in degrees; longitudes go on beyond 180 where the map does. */
export type ToDegrees = (x: number, y: number) => readonly [longitude: number, latitude: number];

/** Parameters of one map, without false easting and northing. */
export interface TransverseMercator {
  readonly ellipsoid: Ellipsoid;
  /** Degrees. */
  readonly centralMeridian: number;
  readonly scale: number;
}

/** The coefficients β of Karney (2011), equation 36, of the powers of n from the first to the sixth. */
const beta: readonly (readonly number[])[] = [
  [1 / 2, -2 / 3, 37 / 96, -1 / 360, -81 / 512, 96_199 / 604_800],
  [0, 1 / 48, 1 / 15, -437 / 1440, 46 / 105, -1_118_711 / 3_870_720],
  [0, 0, 17 / 480, -37 / 840, -209 / 4480, 5569 / 90_720],
  [0, 0, 0, 4397 / 161_280, -11 / 504, -830_251 / 7_257_600],
  [0, 0, 0, 0, 4583 / 161_280, -108_847 / 3_991_680],
  [0, 0, 0, 0, 0, 20_648_693 / 638_668_800],
];

const degrees = 180 / Math.PI;

/**
 * Krüger's series to the sixth power (C. F. F. Karney, Transverse Mercator with an accuracy of a few nanometers, J.
 * Geodesy 85, 2011), which PROJ uses too; with a latitude of origin of 0. Good to nanometres within some thousand
 * kilometres of the central meridian.
 */
export function transverseMercatorToDegrees({
  ellipsoid: { radius, flattening: f },
  centralMeridian,
  scale,
}: TransverseMercator): ToDegrees {
  const n = f / (2 - f);
  const rectifying = (radius / (1 + n)) * (1 + n ** 2 / 4 + n ** 4 / 64 + n ** 6 / 256);
  const factors = beta.map((powers) => powers.reduce((sum, each, i) => sum + each * n ** (i + 1), 0));
  return (x, y) => {
    const xi = y / (scale * rectifying);
    const eta = x / (scale * rectifying);
    let [xi1, eta1] = [xi, eta];
    for (const [i, factor] of factors.entries()) {
      const order = 2 * (i + 1);
      xi1 -= factor * Math.sin(order * xi) * Math.cosh(order * eta);
      eta1 -= factor * Math.cos(order * xi) * Math.sinh(order * eta);
    }
    const conformal = Math.sin(xi1) / Math.hypot(Math.sinh(eta1), Math.cos(xi1));
    const longitude = Math.atan2(Math.sinh(eta1), Math.cos(xi1));
    return [centralMeridian + longitude * degrees, Math.atan(geographicTangent(conformal, f)) * degrees];
  };
}
