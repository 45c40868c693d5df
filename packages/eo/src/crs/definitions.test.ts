import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { crsOf } from '../cf/place.ts';
import type { Cube, CubeArray } from '../cube.ts';
import { codeOf } from './epsg-code.ts';
import { definitionOf, knownCodes, type GeographicSystem } from './definitions.ts';
import { isGeographic } from './epsg-geographic.ts';
import { projjsonOf, unitOf } from './projjson.ts';
import { wktOf } from './wkt.ts';

/** Written by fixtures/make-systems.py. Everything has to be equal. */
const systems = JSON.parse(readFileSync(join(import.meta.dirname, '../../fixtures/systems.json'), 'utf8')) as {
  readonly [code: string]: unknown;
};

const listed = ({ ellipsoid, ...rest }: GeographicSystem) => ({
  ...rest,
  ellipsoid: [ellipsoid.name, ellipsoid.semiMajor, ellipsoid.inverseFlattening],
});

describe('coordinate systems', () => {
  test('are those of PROJ, every one', () => {
    expect(Object.keys(systems).map(Number)).toEqual([...knownCodes]);
    const ours = knownCodes.map((code) => {
      const system = definitionOf(code)!;
      if (!('base' in system)) return [String(code), listed(system)];
      return [
        String(code),
        {
          ...system,
          base: listed(system.base),
          parameters: system.parameters.map(([name, value]) => [name, value, unitOf(name)]),
          axes: system.axes.map(({ name, abbreviation, direction, meridian = null }) => [
            name,
            abbreviation,
            direction,
            meridian,
            'metre',
          ]),
        },
      ];
    });
    expect(Object.fromEntries(ours)).toEqual(systems);
  });

  test('are in degrees where the list of geographic codes says so', () => {
    for (const code of knownCodes) expect([code, 'base' in definitionOf(code)!]).toEqual([code, !isGeographic(code)]);
  });

  test('end with their code, as JSON and as text, and are found again by it', () => {
    for (const code of knownCodes) {
      const crs = `EPSG:${code}`;
      expect(projjsonOf(crs)).toMatchObject({ id: { authority: 'EPSG', code } });
      const wkt = wktOf(crs)!;
      expect(codeOf(wkt)).toBe(code);
      expect(projjsonOf(wkt)).toEqual(projjsonOf(crs));
      const mapping = { attributes: { crs_wkt: wkt } } as unknown as CubeArray;
      const cube = { attributes: {}, arrays: new Map([['spatial_ref', mapping]]) } as unknown as Cube;
      expect(crsOf(cube, { name: 'pca', attributes: {} } as unknown as CubeArray, 'y', 'x')).toBe(crs);
    }
  });

  test('of other codes are not made up', () => {
    for (const crs of ['EPSG:2056', 'EPSG:32661', 'EPSG:25827', 'EPSG:7860', 'WGS 84']) {
      expect(projjsonOf(crs)).toBeUndefined();
      expect(wktOf(crs)).toBeUndefined();
    }
  });

  test('given as text stay that text', () => {
    const text = 'PROJCS["mine",GEOGCS["WGS 84"]]';
    expect(wktOf(text)).toBe(text);
    expect(projjsonOf(text)).toBeUndefined();
  });
});
