// What EPSG codes of coordinate systems that satellites and models are delivered in stand for. From the EPSG dataset
// v12.029 (IOGP); every entry is compared with PROJ's by a test.

/** Degrees on an ellipsoid. */
export interface GeographicSystem {
  readonly code: number;
  readonly name: string;
  readonly datum: string;
  readonly ellipsoid: { readonly name: string; readonly semiMajor: number; readonly inverseFlattening: number };
}

/** One axis; where both run to a pole, the meridian says which way. */
export interface CoordinateAxis {
  readonly name: 'Easting' | 'Northing';
  readonly abbreviation: string;
  readonly direction: 'east' | 'north' | 'south';
  readonly meridian?: number;
}

/** Metres on a plane. */
export interface ProjectedSystem {
  readonly code: number;
  readonly name: string;
  readonly base: GeographicSystem;
  readonly conversion: string;
  readonly method: string;
  readonly parameters: readonly (readonly [name: string, value: number])[];
  readonly axes: readonly [CoordinateAxis, CoordinateAxis];
}

const grs80 = { name: 'GRS 1980', semiMajor: 6378137, inverseFlattening: 298.257222101 };
const wgs84 = { name: 'WGS 84', semiMajor: 6378137, inverseFlattening: 298.257223563 };
const airy = { name: 'Airy 1830', semiMajor: 6377563.396, inverseFlattening: 299.3249646 };

const geographic = new Map(
  (
    [
      [4326, 'WGS 84', 'World Geodetic System 1984', wgs84],
      [4258, 'ETRS89', 'European Terrestrial Reference System 1989', grs80],
      [4269, 'NAD83', 'North American Datum 1983', grs80],
      [4283, 'GDA94', 'Geocentric Datum of Australia 1994', grs80],
      [7844, 'GDA2020', 'Geocentric Datum of Australia 2020', grs80],
      [4674, 'SIRGAS 2000', 'Sistema de Referencia Geocentrico para las AmericaS 2000', grs80],
      [4171, 'RGF93 v1', 'Reseau Geodesique Francais 1993 v1', grs80],
      [4167, 'NZGD2000', 'New Zealand Geodetic Datum 2000', grs80],
      [4619, 'SWEREF99', 'SWEREF99', grs80],
      [4617, 'NAD83(CSRS)', 'NAD83 Canadian Spatial Reference System', grs80],
      [4277, 'OSGB36', 'Ordnance Survey of Great Britain 1936', airy],
    ] as const
  ).map(([code, name, datum, ellipsoid]): [number, GeographicSystem] => [code, { code, name, datum, ellipsoid }]),
);

const natural = ['Latitude of natural origin', 'Longitude of natural origin'];
const falsely = ['False easting', 'False northing'];
const conic = [
  'Latitude of false origin',
  'Longitude of false origin',
  'Latitude of 1st standard parallel',
  'Latitude of 2nd standard parallel',
  'Easting at false origin',
  'Northing at false origin',
];
/** Parameters of each method, in the order of the EPSG dataset. */
const methods = {
  'Transverse Mercator': [...natural, 'Scale factor at natural origin', ...falsely],
  'Popular Visualisation Pseudo Mercator': [...natural, ...falsely],
  'Lambert Azimuthal Equal Area': [...natural, ...falsely],
  'Lambert Conic Conformal (2SP)': conic,
  'Albers Equal Area': conic,
  'Polar Stereographic (variant A)': [...natural, 'Scale factor at natural origin', ...falsely],
  'Polar Stereographic (variant B)': ['Latitude of standard parallel', 'Longitude of origin', ...falsely],
  'Lambert Cylindrical Equal Area': ['Latitude of 1st standard parallel', natural[1]!, ...falsely],
} as const;

const plain = (east: string, north: string): readonly [CoordinateAxis, CoordinateAxis] => [
  { name: 'Easting', abbreviation: east, direction: 'east' },
  { name: 'Northing', abbreviation: north, direction: 'north' },
];
const polar = (
  [east, north]: string,
  direction: 'north' | 'south',
  ...[eastern, northern]: readonly [number, number]
): readonly [CoordinateAxis, CoordinateAxis] => [
  { name: 'Easting', abbreviation: east!, direction, meridian: eastern },
  { name: 'Northing', abbreviation: north!, direction, meridian: northern },
];
const turned = ([east, north]: readonly [CoordinateAxis, CoordinateAxis]) => [north, east] as const;
const [xy, en] = [plain('X', 'Y'), plain('E', 'N')];

type Row = readonly [
  code: number,
  name: string,
  base: number,
  conversion: string,
  method: keyof typeof methods,
  values: readonly number[],
  axes: readonly [CoordinateAxis, CoordinateAxis],
];

// prettier-ignore
const rows: readonly Row[] = [
  [3857, 'WGS 84 / Pseudo-Mercator', 4326, 'Popular Visualisation Pseudo-Mercator', 'Popular Visualisation Pseudo Mercator', [0, 0, 0, 0], xy],
  [3035, 'ETRS89-extended / LAEA Europe', 4258, 'Europe Equal Area 2001', 'Lambert Azimuthal Equal Area', [52, 10, 4321000, 3210000], turned(xy)],
  [3034, 'ETRS89-extended / LCC Europe', 4258, 'Europe Conformal 2001', 'Lambert Conic Conformal (2SP)', [52, 10, 35, 65, 4000000, 2800000], turned(en)],
  [5070, 'NAD83 / Conus Albers', 4269, 'Conus Albers', 'Albers Equal Area', [23, -96, 29.5, 45.5, 0, 0], xy],
  [2154, 'RGF93 v1 / Lambert-93', 4171, 'Lambert-93', 'Lambert Conic Conformal (2SP)', [46.5, 3, 49, 44, 700000, 6600000], xy],
  [3031, 'WGS 84 / Antarctic Polar Stereographic', 4326, 'Antarctic Polar Stereographic', 'Polar Stereographic (variant B)', [-71, 0, 0, 0], polar('EN', 'north', 90, 0)],
  [3413, 'WGS 84 / NSIDC Sea Ice Polar Stereographic North', 4326, 'US NSIDC Sea Ice polar stereographic north', 'Polar Stereographic (variant B)', [70, -45, 0, 0], polar('XY', 'south', 45, 135)],
  [3976, 'WGS 84 / NSIDC Sea Ice Polar Stereographic South', 4326, 'US NSIDC Sea Ice polar stereographic south', 'Polar Stereographic (variant B)', [-70, 0, 0, 0], polar('XY', 'north', 90, 0)],
  [3995, 'WGS 84 / Arctic Polar Stereographic', 4326, 'Arctic Polar Stereographic', 'Polar Stereographic (variant B)', [71, 0, 0, 0], polar('XY', 'south', 90, 180)],
  [5041, 'WGS 84 / UPS North (E,N)', 4326, 'Universal Polar Stereographic North', 'Polar Stereographic (variant A)', [90, 0, 0.994, 2000000, 2000000], polar('EN', 'south', 90, 180)],
  [5042, 'WGS 84 / UPS South (E,N)', 4326, 'Universal Polar Stereographic South', 'Polar Stereographic (variant A)', [-90, 0, 0.994, 2000000, 2000000], polar('EN', 'north', 90, 0)],
  [6931, 'WGS 84 / NSIDC EASE-Grid 2.0 North', 4326, 'US NSIDC EASE-Grid 2.0 North', 'Lambert Azimuthal Equal Area', [90, 0, 0, 0], polar('XY', 'south', 90, 180)],
  [6932, 'WGS 84 / NSIDC EASE-Grid 2.0 South', 4326, 'US NSIDC EASE-Grid 2.0 South', 'Lambert Azimuthal Equal Area', [-90, 0, 0, 0], polar('XY', 'north', 90, 0)],
  [6933, 'WGS 84 / NSIDC EASE-Grid 2.0 Global', 4326, 'US NSIDC EASE-Grid 2.0 Global', 'Lambert Cylindrical Equal Area', [30, 0, 0, 0], xy],
  [2193, 'NZGD2000 / New Zealand Transverse Mercator 2000', 4167, 'New Zealand Transverse Mercator 2000', 'Transverse Mercator', [0, 173, 0.9996, 1600000, 10000000], turned(en)],
  [3577, 'GDA94 / Australian Albers', 4283, 'Australian Albers', 'Albers Equal Area', [0, 132, -18, -36, 0, 0], en],
  [9473, 'GDA2020 / Australian Albers', 7844, 'Australian Albers', 'Albers Equal Area', [0, 132, -18, -36, 0, 0], en],
  [3978, 'NAD83 / Canada Atlas Lambert', 4269, 'Canada Atlas Lambert', 'Lambert Conic Conformal (2SP)', [49, -95, 49, 77, 0, 0], en],
  [3979, 'NAD83(CSRS) / Canada Atlas Lambert', 4617, 'Canada Atlas Lambert', 'Lambert Conic Conformal (2SP)', [49, -95, 49, 77, 0, 0], en],
  [3067, 'ETRS89 / TM35FIN(E,N)', 4258, 'TM35FIN', 'Transverse Mercator', [0, 27, 0.9996, 500000, 0], en],
  [3006, 'SWEREF99 TM', 4619, 'SWEREF99 TM', 'Transverse Mercator', [0, 15, 0.9996, 500000, 0], turned(en)],
  [27700, 'OSGB36 / British National Grid', 4277, 'British National Grid', 'Transverse Mercator', [49, -2, 0.9996012717, 400000, -100000], en],
];

/**
 * Zones of 6 degrees: the code of the first, its number, how many, the base, how they are called, the half of the
 * Earth.
 */
const zones: readonly (readonly [
  code: number,
  zone: number,
  count: number,
  base: number,
  title: string,
  conversion: string,
  half: 'N' | 'S' | '',
])[] = [
  [32601, 1, 60, 4326, 'WGS 84 / UTM', 'UTM', 'N'],
  [32701, 1, 60, 4326, 'WGS 84 / UTM', 'UTM', 'S'],
  [25828, 28, 11, 4258, 'ETRS89 / UTM', 'UTM', 'N'],
  [26901, 1, 23, 4269, 'NAD83 / UTM', 'UTM', 'N'],
  [28348, 48, 11, 4283, 'GDA94 / MGA', 'Map Grid of Australia', ''],
  [7846, 46, 14, 7844, 'GDA2020 / MGA', 'Map Grid of Australia', ''],
  [31965, 11, 12, 4674, 'SIRGAS 2000 / UTM', 'UTM', 'N'],
  [31977, 17, 9, 4674, 'SIRGAS 2000 / UTM', 'UTM', 'S'],
];

/** The codes that `definitionOf` knows. */
export const knownCodes: readonly number[] = [
  ...geographic.keys(),
  ...rows.map(([code]) => code),
  ...zones.flatMap(([first, , count]) => Array.from({ length: count }, (_, i) => first + i)),
].sort((a, b) => a - b);

/** What an EPSG code stands for; `undefined` for one that is not known here. */
export function definitionOf(code: number): GeographicSystem | ProjectedSystem | undefined {
  return geographic.get(code) ?? rowOf(code) ?? zoneOf(code);
}

function rowOf(wanted: number): ProjectedSystem | undefined {
  const row = rows.find(([code]) => code === wanted);
  if (!row) return undefined;
  const [code, name, base, conversion, method, values, axes] = row;
  return { code, name, base: geographic.get(base)!, conversion, method, parameters: named(method, values), axes };
}

function zoneOf(code: number): ProjectedSystem | undefined {
  const found = zones.find(([first, , count]) => code >= first && code < first + count);
  if (!found) return undefined;
  const [first, firstZone, , base, title, conversion, half] = found;
  const zone = firstZone + code - first;
  const method = 'Transverse Mercator';
  return {
    code,
    name: `${title} zone ${zone}${half}`,
    base: geographic.get(base)!,
    conversion: `${conversion} zone ${zone}${half}`,
    method,
    parameters: named(method, [0, zone * 6 - 183, 0.9996, 500000, half === 'N' ? 0 : 10000000]),
    axes: en,
  };
}

const named = (method: keyof typeof methods, values: readonly number[]): ProjectedSystem['parameters'] =>
  methods[method].map((name, index) => [name, values[index]!] as const);
