// Writes coordinate systems as WKT 2 (ISO 19162:2019), as the conventions of CF and Zarr have them.

import { codeOf } from './epsg-code.ts';
import { definitionOf, type CoordinateAxis, type GeographicSystem } from './definitions.ts';
import { unitOf } from './projjson.ts';

const degree = 'ANGLEUNIT["degree",0.0174532925199433]';
const metre = 'LENGTHUNIT["metre",1]';
const units = { degree, metre, unity: 'SCALEUNIT["unity",1]' };

/**
 * WKT of "EPSG:32633"; WKT itself as it is; `undefined` for codes that are not known here.
 */
export function wktOf(crs: string): string | undefined {
  if (crs.includes('[')) return crs;
  const code = codeOf(crs);
  const system = code === undefined ? undefined : definitionOf(code);
  if (!system) return undefined;
  if (!('base' in system))
    return `GEOGCRS[${datumOf(system)},CS[ellipsoidal,2],AXIS["geodetic latitude (Lat)",north,ORDER[1],${degree}],AXIS["geodetic longitude (Lon)",east,ORDER[2],${degree}],${id(system.code)}]`;
  const parameters = system.parameters.map(
    ([name, value]) => `PARAMETER[${quoted(name)},${value},${units[unitOf(name)]}]`,
  );
  return [
    `PROJCRS[${quoted(system.name)}`,
    `BASEGEOGCRS[${datumOf(system.base)},${id(system.base.code)}]`,
    `CONVERSION[${quoted(system.conversion)},METHOD[${quoted(system.method)}],${parameters.join(',')}]`,
    'CS[Cartesian,2]',
    ...system.axes.map(axisOf),
    `${id(system.code)}]`,
  ].join(',');
}

const quoted = (text: string): string => `"${text}"`;
const id = (code: number): string => `ID["EPSG",${code}]`;

const datumOf = ({ name, datum, ellipsoid }: GeographicSystem): string =>
  `${quoted(name)},DATUM[${quoted(datum)},ELLIPSOID[${quoted(ellipsoid.name)},${ellipsoid.semiMajor},${ellipsoid.inverseFlattening},${metre}]],PRIMEM["Greenwich",0,${degree}]`;

const axisOf = ({ name, abbreviation, direction, meridian }: CoordinateAxis, index: number): string =>
  `AXIS["${name.toLowerCase()} (${abbreviation})",${direction},${meridian === undefined ? '' : `MERIDIAN[${meridian},${degree}],`}ORDER[${index + 1}],${metre}]`;
