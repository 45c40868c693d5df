// Coordinates of the systems that rasters are mostly in, as longitude and latitude of WGS 84.

import { albersToDegrees } from './albers.ts';
import { definitionOf, type GeographicSystem } from './definitions.ts';
import { codeOf } from './epsg-code.ts';
import { azimuthalEqualAreaToDegrees, cylindricalEqualAreaToDegrees } from './lambert-equal-area.ts';
import { lambertConicToDegrees } from './lambert-conic.ts';
import { polarStereographicToDegrees } from './polar-stereographic.ts';
import { transverseMercatorToDegrees, wgs84, type Ellipsoid, type ToDegrees } from './transverse-mercator.ts';

/**
 * Codes of systems that are another one's, for degrees: with heights, of another edition, of before it was official.
 */
const sameAs: Readonly<Record<number, number>> = { 4979: 4326, 6350: 5070, 3785: 3857, 900_913: 3857 };
/**
 * Datums that are some hundred metres from WGS 84; those of the others are within a metre or two, as PROJ takes them to
 * be.
 */
const farDatums = new Set([4277]);

/** Makes a map without false easting and northing, by its parameters in the order of `definitions.ts`. */
type Maker = (ellipsoid: Ellipsoid, values: readonly number[]) => ToDegrees;

const polar: Maker = (ellipsoid, [latitude, centralMeridian, scale]) =>
  polarStereographicToDegrees({ ellipsoid, latitude: latitude!, centralMeridian: centralMeridian!, scale: scale! });
const conic =
  (make: typeof albersToDegrees): Maker =>
  (ellipsoid, [latitudeOfOrigin, centralMeridian, first, second]) =>
    make({
      ellipsoid,
      parallels: [first!, second!],
      latitudeOfOrigin: latitudeOfOrigin!,
      centralMeridian: centralMeridian!,
    });
const equalArea =
  (make: typeof azimuthalEqualAreaToDegrees): Maker =>
  (ellipsoid, [latitude, centralMeridian]) =>
    make({ ellipsoid, latitude: latitude!, centralMeridian: centralMeridian! });

const methods: Readonly<Record<string, Maker>> = {
  'Transverse Mercator': (ellipsoid, [, centralMeridian, scale]) =>
    transverseMercatorToDegrees({ ellipsoid, centralMeridian: centralMeridian!, scale: scale! }),
  'Popular Visualisation Pseudo Mercator': () => {
    const { radius } = wgs84;
    const degrees = 180 / Math.PI;
    return (x, y) => [(x / radius) * degrees, Math.atan(Math.sinh(y / radius)) * degrees];
  },
  'Lambert Azimuthal Equal Area': equalArea(azimuthalEqualAreaToDegrees),
  'Lambert Cylindrical Equal Area': equalArea(cylindricalEqualAreaToDegrees),
  'Lambert Conic Conformal (2SP)': conic(lambertConicToDegrees),
  'Albers Equal Area': conic(albersToDegrees),
  'Polar Stereographic (variant A)': polar,
  'Polar Stereographic (variant B)': (ellipsoid, [latitude, centralMeridian]) =>
    polar(ellipsoid, [latitude!, centralMeridian!, 1]),
};

/**
 * How coordinates of a system become degrees; `undefined` for systems that are not known here: those of
 * `definitions.ts` are, but for the British grid, whose datum lies elsewhere.
 */
export function toDegreesOf(crs: string): ToDegrees | undefined {
  const code = codeOf(crs) ?? (/^EPSG:900913$/i.test(crs.trim()) ? 900_913 : undefined);
  const system = code === undefined ? undefined : definitionOf(sameAs[code] ?? code);
  if (!system) return undefined;
  if (!('base' in system)) return farDatums.has(system.code) ? undefined : (x, y) => [x, y];
  const make = methods[system.method];
  if (!make || farDatums.has(system.base.code)) return undefined;
  const values = system.parameters.map(([, value]) => value);
  const [east, north] = values.slice(-2) as [number, number];
  const toDegrees = make(ellipsoidOf(system.base), values.slice(0, -2));
  return (x, y) => toDegrees(x - east, y - north);
}

const ellipsoidOf = ({ ellipsoid: { semiMajor, inverseFlattening } }: GeographicSystem): Ellipsoid => ({
  radius: semiMajor,
  flattening: 1 / inverseFlattening,
});
