import { expect, test } from 'vitest';
import { placeTable } from './place-table.ts';

const utm = (crs: string, x: number) => ({ georeference: { crs, transform: [10, 0, x, 0, -10, 50] as const } });
const camera = { position: { longitude: -0, latitude: 47 } };
const clip = (...frames: object[]) => ({ frames }) as unknown as Parameters<ReturnType<typeof placeTable>['add']>[0];

test('each place and each system is listed once, in the order in which they came', () => {
  const table = placeTable();
  const given = [utm('EPSG:32633', 1), camera, utm('EPSG:32634', 1), utm('EPSG:32633', 2), { ...camera, at: 'x' }];
  expect(given.map((frame) => table.add(clip(frame)))).toEqual([0, 1, 2, 3, 1]);
  expect(table.list()!.systems).toEqual(['EPSG:32633', 'EPSG:32634']);
  expect(table.list()!.all.map((place) => ('system' in place ? place.system : place.latitude))).toEqual([0, 47, 1, 0]);
});

test('a clip lies where the first of its frames lies that says so; a grid of pixels counts more than a point', () => {
  const table = placeTable();
  expect(table.add(clip({}, {}))).toBeUndefined();
  expect(table.list()).toBeUndefined();
  expect(table.add(clip({}, camera, utm('EPSG:32633', 1)))).toBe(0);
  expect(table.add(clip({ ...utm('EPSG:32633', 1), ...camera }))).toBe(1);
  expect(table.list()!.systems).toEqual(['EPSG:32633']);
});
