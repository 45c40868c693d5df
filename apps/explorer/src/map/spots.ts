// The places of a bundle in degrees, each with the clips that lie there.

import { toDegreesOf } from '@deepearth/eo/crs/to-degrees';
import type { Bundle } from '../bundle/bundle.ts';

/** Degrees of WGS 84. Longitudes may lie beyond 180, so that no place is cut by the antimeridian. */
export type Point = readonly [longitude: number, latitude: number];

/** The part of the Earth that frames show. */
export interface Footprint {
  /** Pixels of a frame, and where one of them lies. */
  readonly width: number;
  readonly height: number;
  at(x: number, y: number): Point;
  /** The corners and points between them, in order. */
  readonly ring: readonly Point[];
}

/** A place with all that was seen there. */
export interface Spot {
  readonly index: number;
  readonly name: string;
  readonly middle: Point;
  /** West, south, east, north. */
  readonly bounds: readonly [number, number, number, number];
  /** Absent for a camera, of which only the point is known. */
  readonly footprint?: Footprint;
  readonly clips: readonly number[];
}

/** All places, and what could not be placed. */
export interface Spots {
  readonly all: readonly Spot[];
  /** The spot of each clip; -1 where it has none. */
  readonly ofClip: Int32Array;
  /** Clips whose coordinate system is not known here, and the systems. */
  readonly unknown: { readonly clips: number; readonly systems: readonly string[] };
  /** Those without any place. */
  readonly without: number;
}

/** Points of an outline between two corners. */
const between = 7;

/** Whether there is anything to show on a map. */
export const hasPlaces = ({ places }: Pick<Bundle, 'places'>): boolean => (places?.all.length ?? 0) > 0;

/** Finds the places of all clips. */
export function spotsOf(bundle: Bundle): Spots {
  const { clips, sequences, places } = bundle;
  const clipsAt = new Map<number, number[]>();
  clips.forEach(({ place }, clip) => {
    if (place !== undefined) clipsAt.set(place, [...(clipsAt.get(place) ?? []), clip]);
  });
  const systems = places?.systems.map((crs) => toDegreesOf(crs)) ?? [];
  const ofClip = new Int32Array(clips.length).fill(-1);
  const unknown = { clips: 0, systems: new Set<string>() };
  const placed: Omit<Spot, 'index'>[] = [];
  for (const [index, own] of clipsAt) {
    const place = places?.all[index];
    if (!place) continue;
    const names = [...new Set(own.map((clip) => sequences[clips[clip]!.sequence]!.name))];
    const name = names.length > 1 ? `${names[0]} and ${names.length - 1} more` : names[0]!;
    if (!('system' in place)) {
      const { longitude, latitude } = place;
      placed.push({
        name,
        clips: own,
        middle: [longitude, latitude],
        bounds: [longitude, latitude, longitude, latitude],
      });
      continue;
    }
    const toDegrees = systems[place.system];
    const { frameWidth, frameHeight } = clips[own[0]!]!.geometry;
    const footprint = toDegrees && footprintOf(toDegrees, place.transform, frameWidth, frameHeight);
    if (!footprint) {
      unknown.clips += own.length;
      unknown.systems.add(places.systems[place.system]!);
      continue;
    }
    placed.push({
      name,
      clips: own,
      footprint,
      middle: footprint.at(frameWidth / 2, frameHeight / 2),
      bounds: boundsOf(footprint.ring),
    });
  }
  const shifts = turned(placed.map(({ middle: [longitude] }) => longitude));
  const all = placed.map((spot, index) => ({ ...moved(spot, shifts[index]!), index }));
  for (const { index, clips: own } of all) for (const clip of own) ofClip[clip] = index;
  const without = clips.filter(({ place }) => place === undefined).length;
  return { all, ofClip, unknown: { clips: unknown.clips, systems: [...unknown.systems] }, without };
}

type Affine = readonly [number, number, number, number, number, number];

/** `undefined` where a corner lies outside of what the system can say. */
function footprintOf(
  toDegrees: (x: number, y: number) => Point,
  [a, b, c, d, e, f]: Affine,
  width: number,
  height: number,
): Footprint | undefined {
  const at = (x: number, y: number): Point => toDegrees(a * x + b * y + c, d * x + e * y + f);
  const corners = [
    [0, 0],
    [width, 0],
    [width, height],
    [0, height],
  ] as const;
  const ring = corners.flatMap(([x, y], i) => {
    const [toX, toY] = corners[(i + 1) % 4]!;
    return Array.from({ length: between + 1 }, (_, step) => {
      const share = step / (between + 1);
      return at(x + (toX - x) * share, y + (toY - y) * share);
    });
  });
  return ring.every((point) => point.every(Number.isFinite)) ? { width, height, at, ring } : undefined;
}

function boundsOf(ring: readonly Point[]): Spot['bounds'] {
  const longitudes = ring.map(([longitude]) => longitude);
  const latitudes = ring.map(([, latitude]) => latitude);
  return [Math.min(...longitudes), Math.min(...latitudes), Math.max(...longitudes), Math.max(...latitudes)];
}

/**
 * By how much each longitude is turned (by whole turns), so that those that fit on half of the Earth lie together;
 * others stay as everybody writes them.
 */
export function turned(longitudes: readonly number[]): number[] {
  const wrapped = longitudes.map((longitude) => ((((longitude + 180) % 360) + 360) % 360) - 180);
  const sorted = [...wrapped].sort((x, y) => x - y);
  // The map begins behind a gap of half the Earth: of what lies on both sides of 180 degrees all is beyond it.
  let [first, widest] = [-180, 180];
  sorted.forEach((longitude, i) => {
    const before = i === 0 ? sorted.at(-1)! - 360 : sorted[i - 1]!;
    if (longitude - before > widest) [first, widest] = [longitude, longitude - before];
  });
  return wrapped.map((longitude, i) => (longitude >= first ? longitude : longitude + 360) - longitudes[i]!);
}

function moved(spot: Omit<Spot, 'index'>, by: number): Omit<Spot, 'index'> {
  if (by === 0) return spot;
  const shift = ([longitude, latitude]: Point): Point => [longitude + by, latitude];
  const [west, south, east, north] = spot.bounds;
  const { footprint } = spot;
  return {
    ...spot,
    middle: shift(spot.middle),
    bounds: [west + by, south, east + by, north],
    ...(footprint && {
      footprint: { ...footprint, ring: footprint.ring.map(shift), at: (x, y) => shift(footprint.at(x, y)) },
    }),
  };
}

/** The frame of a place that is nearest in time to the one that is looked at, and its clip. */
export interface Seen {
  readonly clip: number;
  /** Position in its sequence. */
  readonly frame: number;
}

/**
 * Finds what each place shows: the clip that is looked at itself, elsewhere the frame nearest in time, or of the same
 * position in its sequence where times are not known.
 */
export function seenAt(
  bundle: Bundle,
  { clips }: Spot,
  now: { clip: number | undefined; sequence: number; frame: number },
): Seen {
  if (now.clip !== undefined && clips.includes(now.clip)) return { clip: now.clip, frame: now.frame };
  const instant = (sequence: number, frame: number): number =>
    Date.parse(bundle.sequences[sequence]!.at?.[frame] ?? '');
  const wanted = instant(now.sequence, now.frame);
  let best: Seen = { clip: clips[0]!, frame: bundle.clips[clips[0]!]!.frames[0]! };
  let least = Infinity;
  for (const clip of clips) {
    const { sequence, frames } = bundle.clips[clip]!;
    for (const frame of frames) {
      const at = instant(sequence, frame);
      const distance = Number.isNaN(at - wanted) ? 1e15 + Math.abs(frame - now.frame) : Math.abs(at - wanted);
      if (distance < least) [best, least] = [{ clip, frame }, distance];
    }
  }
  return best;
}

/** `47.5500° N, 11.3200° E`. */
export function degreesText([longitude, latitude]: Point, digits = 4): string {
  const east = ((((longitude + 180) % 360) + 360) % 360) - 180;
  const half = (value: number, [plus, minus]: readonly [string, string]): string =>
    `${Math.abs(value).toFixed(digits)}° ${value < 0 ? minus : plus}`;
  return `${half(latitude, ['N', 'S'])}, ${half(east, ['E', 'W'])}`;
}

/** The pixel of a frame that lies at a point, by Newton's method; `undefined` where none does. */
export function pixelAt(
  { at, width, height }: Footprint,
  [longitude, latitude]: Point,
): readonly [x: number, y: number] | undefined {
  let [x, y] = [width / 2, height / 2];
  const [stepX, stepY] = [width / 64, height / 64];
  for (let round = 0; round < 8; round++) {
    const [here, right, below] = [at(x, y), at(x + stepX, y), at(x, y + stepY)];
    const [ax, ay] = [(right[0] - here[0]) / stepX, (right[1] - here[1]) / stepX];
    const [bx, by] = [(below[0] - here[0]) / stepY, (below[1] - here[1]) / stepY];
    const area = ax * by - ay * bx;
    if (area === 0) return undefined;
    const [dx, dy] = [longitude - here[0], latitude - here[1]];
    x += (dx * by - dy * bx) / area;
    y += (ax * dy - ay * dx) / area;
  }
  return x >= 0 && y >= 0 && x <= width && y <= height ? [x, y] : undefined;
}
