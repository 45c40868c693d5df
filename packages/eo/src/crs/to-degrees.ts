// Coordinates of the systems that rasters are mostly in, as longitude and latitude of WGS 84.

import { codeOf } from './epsg-code.ts';
import { albersToDegrees } from './albers.ts';
import { grs80, transverseMercatorToDegrees, wgs84, type Ellipsoid, type ToDegrees } from './transverse-mercator.ts';

/** Runs of UTM zones by EPSG code. Datums of this list are within a metre or two of WGS 84, as PROJ takes them to be. */
const utm: readonly {
  readonly first: number;
  readonly last: number;
  readonly zone: number;
  readonly ellipsoid: Ellipsoid;
  readonly south?: true;
}[] = [
  { first: 32_601, last: 32_660, zone: 1, ellipsoid: wgs84 },
  { first: 32_701, last: 32_760, zone: 1, ellipsoid: wgs84, south: true },
  // ETRS89
  { first: 25_828, last: 25_838, zone: 28, ellipsoid: grs80 },
  // NAD83
  { first: 26_901, last: 26_923, zone: 1, ellipsoid: grs80 },
];

/** WGS 84 (also with heights), ETRS89, NAD83. */
const degreesAlready = new Set([4326, 4979, 4258, 4269]);
/** NAD83 and NAD83(2011) / Conus Albers. */
const conusAlbers = new Set([5070, 6350]);
const webMercator = new Set([3857, 3785, 900_913]);

/**
 * How coordinates of a system become degrees; `undefined` for systems that are not known here. UTM, geographic coordinates,
 * web Mercator and the Albers map of the United States are.
 */
export function toDegreesOf(crs: string): ToDegrees | undefined {
  const code = codeOf(crs);
  if (code === undefined) return undefined;
  if (degreesAlready.has(code)) return (x, y) => [x, y];
  if (webMercator.has(code)) {
    const { radius } = wgs84;
    const degrees = 180 / Math.PI;
    return (x, y) => [(x / radius) * degrees, Math.atan(Math.sinh(y / radius)) * degrees];
  }
  if (conusAlbers.has(code))
    return albersToDegrees({ ellipsoid: grs80, parallels: [29.5, 45.5], latitudeOfOrigin: 23, centralMeridian: -96 });
  const run = utm.find(({ first, last }) => code >= first && code <= last);
  return (
    run &&
    transverseMercatorToDegrees({
      ellipsoid: run.ellipsoid,
      centralMeridian: (run.zone + code - run.first) * 6 - 183,
      scale: 0.9996,
      falseEasting: 500_000,
      falseNorthing: run.south ? 10_000_000 : 0,
    })
  );
}
