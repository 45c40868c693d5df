import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Affine } from '../affine.ts';
import { outlineOf } from './outline.ts';
import { toDegreesOf } from './to-degrees.ts';

const known = JSON.parse(readFileSync(new URL('../../fixtures/degrees.json', import.meta.url), 'utf8')) as Record<
  string,
  [x: number, y: number, longitude: number, latitude: number][]
>;

describe('degrees', () => {
  // A ten-millionth of a degree is a centimetre; PROJ turns longitudes to within 180 degrees. Its latitudes of
  // equal-area maps are those of a series that ends a millimetre from the solution.
  test.each(Object.entries(known))('of %s are those of PROJ', (crs, points) => {
    const toDegrees = toDegreesOf(crs)!;
    const digits = ['EPSG:3035', 'EPSG:6931', 'EPSG:6932', 'EPSG:6933'].includes(crs) ? 7 : 9;
    for (const [x, y, longitude, latitude] of points) {
      const [east, north] = toDegrees(x, y);
      expect(((((east - longitude) % 360) + 540) % 360) - 180).toBeCloseTo(0, 9);
      expect(north).toBeCloseTo(latitude, digits);
    }
  });

  test('of other systems are not known', () => {
    for (const crs of ['EPSG:2056', 'EPSG:4277', 'EPSG:32661', 'PROJCS["unnamed"]', '', 'EPSG:26924'])
      expect(toDegreesOf(crs)).toBeUndefined();
    expect(outlineOf('EPSG:2056', [10, 0, 0, 0, -10, 0], 5, 5)).toBeUndefined();
  });
});

const ringsOf = ({ geometry }: NonNullable<ReturnType<typeof outlineOf>>) =>
  geometry.type === 'Polygon' ? geometry.coordinates : geometry.coordinates.flat();

describe('an outline', () => {
  test('across 180 degrees is in two parts, and its west is greater than its east', () => {
    const outline = outlineOf('EPSG:32660', [100, 0, 700_000, 0, -100, 6_000_000], 2000, 1000)!;
    const [west, south, east, north] = outline.bounds;
    expect(outline.geometry.type).toBe('MultiPolygon');
    expect(west).toBeGreaterThan(179);
    expect(east).toBeLessThan(-176);
    expect([south < north, north < 55]).toEqual([true, true]);
    const [left, right] = ringsOf(outline);
    expect(Math.max(...left!.map(([x]) => x))).toBe(180);
    expect(Math.min(...right!.map(([x]) => x))).toBe(-180);
  });

  test('lies within its bounds, is closed and runs anticlockwise, whichever way the raster is turned', () => {
    const number = (min: number, max: number) => fc.double({ min, max, noNaN: true });
    fc.assert(
      fc.property(
        fc.constantFrom('EPSG:4326', 'EPSG:32601', 'EPSG:32735', 'EPSG:3857'),
        number(-179, 179),
        number(-70, 70),
        number(0.01, 3),
        number(0, 6.2),
        fc.boolean(),
        (crs, x, y, size, angle, flipped) => {
          const unit = crs === 'EPSG:4326' ? 1 : 100_000;
          const [left, top] =
            crs === 'EPSG:4326' ? [x, y] : crs === 'EPSG:3857' ? [x * unit, y * unit] : [500_000 + x * 1000, 5_000_000];
          const [cos, sin] = [Math.cos(angle) * size * unit, Math.sin(angle) * size * unit];
          const transform: Affine = [cos / 10, sin / 10, left, sin / 10, (flipped ? 1 : -1) * (cos / 10), top];
          const outline = outlineOf(crs, transform, 10, 7)!;
          const [west, south, east, north] = outline.bounds;
          for (const ring of ringsOf(outline)) {
            expect(ring.at(-1)).toEqual(ring[0]);
            let twice = 0;
            for (const [i, [lon, lat]] of ring.entries()) {
              expect(lat).toBeGreaterThanOrEqual(south - 1e-9);
              expect(lat).toBeLessThanOrEqual(north + 1e-9);
              expect(lon >= -180 && lon <= 180).toBe(true);
              if (west <= east) expect(lon >= west - 1e-9 && lon <= east + 1e-9).toBe(true);
              const [nextLon, nextLat] = ring[(i + 1) % ring.length]!;
              twice += lon * nextLat - nextLon * lat;
            }
            expect(twice).toBeGreaterThanOrEqual(-1e-9);
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  test('around a pole goes up to it, and round the Earth', () => {
    for (const [crs, latitudes] of [
      ['EPSG:3413', [25, 90]],
      ['EPSG:3031', [-90, -25]],
    ] as const) {
      const { bounds, geometry } = outlineOf(crs, [70_000, 0, -3_500_000, 0, -70_000, 3_500_000], 100, 100)!;
      const [west, south, east, north] = bounds;
      expect([west, east, geometry.type]).toEqual([-180, 180, 'Polygon']);
      expect(south).toBeGreaterThanOrEqual(latitudes[0]);
      expect(north).toBeLessThanOrEqual(latitudes[1]);
      expect([south, north]).toContain(crs === 'EPSG:3413' ? 90 : -90);
    }
  });

  test('beside a pole is in one part across the meridian where angles of the map begin anew', () => {
    // Both sides of the meridian of 135 degrees, which points straight up there.
    const { bounds, geometry } = outlineOf('EPSG:3413', [10_000, 0, -500_000, 0, -10_000, 2_500_000], 100, 100)!;
    const [west, south, east, north] = bounds;
    expect(geometry.type).toBe('Polygon');
    expect([west > 110 && west < 135, east > 135 && east < 160]).toEqual([true, true]);
    expect([south > 60, north < 80]).toEqual([true, true]);
  });

  test('that goes round the Earth has no side', () => {
    const { bounds } = outlineOf('EPSG:4326', [1, 0, -180, 0, -1, 90], 360, 180)!;
    expect(bounds).toEqual([-180, -90, 180, 90]);
    expect(outlineOf('EPSG:4326', [1, 0, 0, 0, -1, 90], 360, 180)!.bounds).toEqual([-180, -90, 180, 90]);
    expect(outlineOf('EPSG:4326', [1, 0, 0, 0, -1, 90], 360, 180)!.geometry.type).toBe('Polygon');
    expect(outlineOf('EPSG:4326', [Number.NaN, 0, 0, 0, -1, 90], 360, 180)).toBeUndefined();
  });
});
