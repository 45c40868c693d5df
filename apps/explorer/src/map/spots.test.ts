import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { BundlePlaces } from '@deepearth/sinks/explorer/bundle-index';
import { placed as bundleOf } from '../bundle/bundle.ts';
import { boundsOfAll, fitted, graticuleStep, roundLength, squeezeOf, viewOf, zoomed } from './camera.ts';
import { coast } from './coast.ts';
import { spotAt, turnsSeen } from './draw-map.ts';
import { degreesText, pixelAt, seenAt, spotsOf, turned } from './spots.ts';

const geometry = { frameWidth: 100, frameHeight: 80, x: 0, y: 0, width: 100, height: 80 };

/** A bundle of one clip of two frames for each place. */
const bundleAt = (places: BundlePlaces, of: readonly (number | undefined)[], at: readonly (string | null)[] = []) =>
  bundleOf(
    {
      places,
      sequences: of.map((_, i) => ({
        name: `s${i}`,
        frame: { width: 100, height: 80 },
        picture: { width: 100, height: 80 },
        numbers: [0, 1],
        ...(at.length > 0 && { at: [at[2 * i]!, at[2 * i + 1]!] }),
      })),
      clips: of.map((place, sequence) => ({
        sequence,
        frames: [0, 1],
        grid: [1, 4, 5],
        geometry,
        chunk: 0,
        offset: 20 * sequence,
        ...(place !== undefined && { place }),
      })),
    } as never,
    '',
  );

const utm = (zone: number, x: number, y: number) => ({
  systems: [`EPSG:326${String(zone).padStart(2, '0')}`],
  all: [{ system: 0, transform: [100, 0, x, 0, -100, y] as const }],
});

test('longitudes are turned by whole turns so that they lie together, whichever side of 180 degrees they are on', () => {
  expect(turned([179, -179.5]).map((by, i) => [179, -179.5][i]! + by)).toEqual([179, 180.5]);
  expect(turned([-120, 10, 130])).toEqual([0, 0, 0]);
  expect(turned([])).toEqual([]);
  fc.assert(
    fc.property(
      fc.double({ min: -180, max: 180, noNaN: true }),
      fc.array(fc.double({ min: 0, max: 100, noNaN: true }), { minLength: 1 }),
      (start, offsets) => {
        const given = [0, ...offsets].map((offset) => ((((start + offset + 180) % 360) + 360) % 360) - 180);
        const lie = turned(given).map((by, i) => given[i]! + by);
        turned(given).forEach((by) => expect(Math.abs(by % 360)).toBeLessThan(1e-9));
        expect(Math.max(...lie) - Math.min(...lie)).toBeLessThanOrEqual(Math.max(...offsets) + 1e-6);
      },
    ),
  );
});

test('a scene across 180 degrees is one place, and is found on both sides of it', () => {
  // 20 km to either side of 180 degrees, in zone 60 whose middle is 177.
  const { all } = spotsOf(bundleAt(utm(60, 819_000 - 95_000, 10_000), [0]));
  const [spot] = all;
  const [west, , east] = spot!.bounds;
  expect(east - west).toBeLessThan(0.2);
  const view = viewOf(fitted(boundsOfAll(all), squeezeOf(all), { width: 400, height: 400 }), squeezeOf(all), 400, 400);
  expect(spotAt(all, view, 200, 200)).toBe(spot);
  expect(spotAt(all, view, 5, 5)).toBeUndefined();
  const two = spotsOf(
    bundleAt(
      {
        systems: [],
        all: [
          { longitude: 179.9, latitude: 1 },
          { longitude: -179.9, latitude: 1 },
        ],
      },
      [0, 1],
    ),
  ).all;
  const [left, , right] = boundsOfAll(two);
  expect(right - left).toBeCloseTo(0.2, 9);
  expect(degreesText(two[1]!.middle)).toBe('1.0000° N, 179.9000° W');
});

test('pixels of a footprint are found again from where they lie', () => {
  const { footprint } = spotsOf(bundleAt(utm(33, 300_000, 7_900_000), [0])).all[0]!;
  fc.assert(
    fc.property(fc.double({ min: 1, max: 99, noNaN: true }), fc.double({ min: 1, max: 79, noNaN: true }), (x, y) => {
      const found = pixelAt(footprint!, footprint!.at(x, y))!;
      expect(found[0]).toBeCloseTo(x, 4);
      expect(found[1]).toBeCloseTo(y, 4);
    }),
  );
  expect(pixelAt(footprint!, footprint!.at(140, 40))).toBeUndefined();
});

test('clips of one place are one spot; what has no place, or an unknown system, is counted', () => {
  const places: BundlePlaces = {
    systems: ['EPSG:32633', 'LOCAL_CS["mine"]'],
    all: [
      { longitude: 11, latitude: 47 },
      { system: 1, transform: [1, 0, 0, 0, -1, 0] },
      { system: 0, transform: [10, 0, 300_000, 0, -10, 5_290_000] },
    ],
  };
  const spots = spotsOf(bundleAt(places, [0, 0, 1, undefined, 2]));
  expect(spots.all.map(({ name, clips }) => [name, clips])).toEqual([
    ['s0 and 1 more', [0, 1]],
    ['s4', [4]],
  ]);
  expect([...spots.ofClip]).toEqual([0, 0, -1, -1, 1]);
  expect(spots).toMatchObject({ unknown: { clips: 1, systems: ['LOCAL_CS["mine"]'] }, without: 1 });
  expect(spotsOf(bundleAt({ systems: [], all: [] }, [undefined]))).toMatchObject({ all: [], without: 1 });
});

test('each place shows the frame nearest in time; the clip that is looked at shows itself', () => {
  const places: BundlePlaces = {
    systems: [],
    all: [
      { longitude: 1, latitude: 1 },
      { longitude: 2, latitude: 2 },
    ],
  };
  const day = (number: number): string => `2024-05-0${number}T00:00:00Z`;
  const bundle = bundleAt(places, [0, 1, 1], [day(1), day(2), day(4), day(5), day(1), day(3)]);
  const [here, there] = spotsOf(bundle).all;
  const now = { clip: 0, sequence: 0, frame: 1 };
  expect(seenAt(bundle, here!, now)).toEqual({ clip: 0, frame: 1 });
  expect(seenAt(bundle, there!, now)).toEqual({ clip: 2, frame: 0 });
  expect(seenAt(bundle, there!, { ...now, frame: 0 })).toEqual({ clip: 2, frame: 0 });
  const untimed = bundleAt(places, [0, 1]);
  expect(seenAt(untimed, spotsOf(untimed).all[1]!, now)).toEqual({ clip: 1, frame: 1 });
});

test('what is under the pointer stays there while the map comes nearer', () => {
  const camera = { middle: [12, 47] as const, scale: 300 };
  const view = viewOf(camera, 0.7, 800, 600);
  fc.assert(
    fc.property(fc.double({ min: 0.5, max: 8, noNaN: true }), fc.nat(800), fc.nat(600), (factor, x, y) => {
      const next = viewOf(zoomed(camera, view, 0.7, factor, x, y), 0.7, 800, 600);
      const [toX, toY] = next.toPage(view.toDegrees(x, y));
      expect(toX).toBeCloseTo(x, 6);
      expect(toY).toBeCloseTo(y, 6);
    }),
  );
  // Never farther than one Earth, whatever is asked for.
  const far = viewOf(zoomed(camera, view, 0.7, 1e-9), 0.7, 800, 600);
  expect(800 / far.across).toBeCloseTo(360, 6);
  expect(turnsSeen(far, -180, 180)).toHaveLength(2);
});

test('lengths and lines are round numbers', () => {
  expect([7, 4, 1, 0.3].map(roundLength)).toEqual([5, 2, 1, 0.2]);
  expect([graticuleStep(1, 90), graticuleStep(100, 90), graticuleStep(1e9, 90)]).toEqual([90, 1, 0.00001]);
});

test('the land is closed rings without jumps, also across 180 degrees and around the pole', () => {
  expect(coast.length).toBeGreaterThan(100);
  for (const { points, west, east } of coast) {
    expect(points.every(([x, y]) => x >= west && x <= east && Math.abs(y) <= 90)).toBe(true);
    const jumps = points.slice(1).filter(([x, y], i) => Math.abs(x - points[i]![0]) > 90 && y > -90);
    expect(jumps).toEqual([]);
  }
  expect(coast.filter(({ west, east }) => west < -180.1 || east > 180.1).length).toBeGreaterThan(0);
  expect(coast.filter(({ points }) => points.at(-1)![1] === -90)).toHaveLength(1);
});
