// Writes the coordinate system that GeoTIFF keys describe by themselves as WKT 1, as GDAL does.

/** The keys of a GeoTIFF, by number. */
export type GeoKeys = ReadonlyMap<number, number | string | readonly number[]>;

/** Parameters of a projection: WKT's name and the keys that may hold it, in the order in which GDAL looks. */
type Parameters = readonly (readonly [name: string, keys: readonly number[], otherwise: number])[];

const origin: Parameters = [
  ['latitude_of_origin', [3081, 3085, 3089], 0],
  ['central_meridian', [3080, 3084, 3088], 0],
];
const scale: Parameters = [['scale_factor', [3092, 3093], 1]];
const falseOrigin: Parameters = [
  ['false_easting', [3082, 3086, 3090], 0],
  ['false_northing', [3083, 3087, 3091], 0],
];
const parallels: Parameters = [
  ['standard_parallel_1', [3078], 0],
  ['standard_parallel_2', [3079], 0],
];
const center: Parameters = [
  ['latitude_of_center', [3089, 3081], 0],
  ['longitude_of_center', [3088, 3080], 0],
];
const meridian: Parameters = [['central_meridian', [3080, 3084, 3088], 0]];

/** By `ProjCoordTransGeoKey`. */
const projections: Readonly<Record<number, readonly [name: string, parameters: Parameters]>> = {
  1: ['Transverse_Mercator', [...origin, ...scale, ...falseOrigin]],
  7: ['Mercator_1SP', [...origin, ...scale, ...falseOrigin]],
  8: ['Lambert_Conformal_Conic_2SP', [...parallels, ...origin, ...falseOrigin]],
  9: ['Lambert_Conformal_Conic_1SP', [...origin, ...scale, ...falseOrigin]],
  10: ['Lambert_Azimuthal_Equal_Area', [...center, ...falseOrigin]],
  11: ['Albers_Conic_Equal_Area', [...parallels, ...center, ...falseOrigin]],
  12: ['Azimuthal_Equidistant', [...center, ...falseOrigin]],
  15: [
    'Polar_Stereographic',
    [['latitude_of_origin', [3081], 90], ['central_meridian', [3095, 3080], 0], ...scale, ...falseOrigin],
  ],
  16: ['Oblique_Stereographic', [...origin, ...scale, ...falseOrigin]],
  17: ['Equirectangular', [['standard_parallel_1', [3078], 0], ...origin, ...falseOrigin]],
  20: ['Orthographic', [...origin, ...falseOrigin]],
  24: ['Sinusoidal', [['longitude_of_center', [3088, 3080], 0], ...falseOrigin]],
  28: ['Cylindrical_Equal_Area', [['standard_parallel_1', [3078], 0], ...meridian, ...falseOrigin]],
};

const ellipsoids: Readonly<Record<number, readonly [name: string, semiMajor: number, inverseFlattening: number]>> = {
  7019: ['GRS 1980', 6378137, 298.257222101],
  7030: ['WGS 84', 6378137, 298.257223563],
  7008: ['Clarke 1866', 6378206.4, 294.9786982138982],
  7004: ['Bessel 1841', 6377397.155, 299.1528128],
};
/** Datums by their own code or that of their geographic system. */
const datums: Readonly<Record<number, readonly [name: string, ellipsoid: number]>> = {
  6326: ['WGS_1984', 7030],
  4326: ['WGS_1984', 7030],
  6269: ['North_American_Datum_1983', 7019],
  4269: ['North_American_Datum_1983', 7019],
  6258: ['European_Terrestrial_Reference_System_1989', 7019],
  4258: ['European_Terrestrial_Reference_System_1989', 7019],
  6267: ['North_American_Datum_1927', 7008],
  4267: ['North_American_Datum_1927', 7008],
};
const units: Readonly<Record<number, readonly [name: string, metres: number]>> = {
  9001: ['metre', 1],
  9002: ['foot', 0.3048],
  9003: ['US survey foot', 0.304800609601219],
  9036: ['kilometre', 1000],
};

/** WKT of the keys; `undefined` where they describe nothing that is known here. */
export function wktOfKeys(keys: GeoKeys): string | undefined {
  const number = (key: number): number | undefined => {
    const value = keys.get(key);
    return typeof value === 'number' ? value : undefined;
  };
  const geographic = geographicWkt(keys, number);
  const model = number(1024);
  if (geographic === undefined || model === 2) return geographic;
  const projection = projections[number(3075) ?? -1];
  if (!projection) return undefined;
  const [name, parameters] = projection;
  const values = parameters.map(([parameter, places, otherwise]) => {
    const value = places.map(number).find((each) => each !== undefined) ?? otherwise;
    return `PARAMETER[${quoted(parameter)},${value}]`;
  });
  const [unit, metres] = units[number(3076) ?? 9001] ?? ['unknown', number(3077) ?? 1];
  const title = keys.get(3073) ?? keys.get(1026);
  return `PROJCS[${quoted(typeof title === 'string' ? title : 'unnamed')},${geographic},PROJECTION[${quoted(name)}],${values.join(',')},UNIT[${quoted(unit)},${metres}]]`;
}

function geographicWkt(keys: GeoKeys, number: (key: number) => number | undefined): string | undefined {
  const known = datums[number(2050) ?? -1] ?? datums[number(2048) ?? -1];
  const ellipsoid = ellipsoids[number(2056) ?? known?.[1] ?? -1];
  const semiMajor = number(2057) ?? ellipsoid?.[1];
  if (semiMajor === undefined) return undefined;
  const semiMinor = number(2058);
  const flattening =
    number(2059) ??
    (semiMinor === undefined
      ? (ellipsoid?.[2] ?? 0)
      : semiMinor === semiMajor
        ? 0
        : semiMajor / (semiMajor - semiMinor));
  const citation = keys.get(2049);
  const name = typeof citation === 'string' ? citation : 'unknown';
  return `GEOGCS[${quoted(name)},DATUM[${quoted(known?.[0] ?? 'unknown')},SPHEROID[${quoted(ellipsoid?.[0] ?? 'unknown')},${semiMajor},${flattening}]],PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433]]`;
}

const quoted = (text: string): string => `"${text.replaceAll('"', "'")}"`;
