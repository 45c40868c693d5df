// Draws the map: land and sea, lines of longitude and latitude, pictures where they belong, colours over them.

import type { Geometry } from '@deepearth/core/items';
import { isWithin } from '../bundle/plane.ts';
import { graticuleStep, type View } from './camera.ts';
import { coast } from './coast.ts';
import type { Point, Spot } from './spots.ts';

type Context = CanvasRenderingContext2D;

/** What a place looks like. */
export interface DrawnSpot {
  readonly spot: Spot;
  readonly picture: ImageBitmap | undefined;
  readonly cells: OffscreenCanvas | undefined;
  /** The part of the frame that the cells cover. */
  readonly geometry: Geometry;
  /** Of a place that is too small for a picture. */
  readonly dot: string;
}

/** Colours of the style sheet. */
export interface MapColorsOf {
  readonly sea: string;
  readonly land: string;
  readonly line: string;
  readonly strong: string;
  readonly text: string;
  readonly accent: string;
  readonly ground: string;
}

/** All that is on the map. */
export interface MapScene {
  readonly spots: readonly DrawnSpot[];
  readonly opacity: number;
  readonly smooth: boolean;
  readonly subdued: boolean;
  readonly current: Spot | undefined;
  readonly under: Spot | undefined;
  readonly colors: MapColorsOf;
}

/** Pixels of the page; a place that is smaller is a dot. */
export const leastPicture = 7;
const dotRadius = 5;

/** Whole turns by which what lies in a span of longitudes is seen. */
export function turnsSeen(view: View, west: number, east: number): number[] {
  const [left] = view.toDegrees(0, 0);
  const [right] = view.toDegrees(view.width, 0);
  const turns: number[] = [];
  for (let turn = Math.ceil((left - east) / 360); turn <= Math.floor((right - west) / 360); turn++)
    turns.push(turn * 360);
  return turns;
}

/** Fills a canvas of which `unit` pixels are one of the page. */
export function drawMap(context: Context, view: View, unit: number, scene: MapScene): void {
  const { colors } = scene;
  context.setTransform(unit, 0, 0, unit, 0, 0);
  context.filter = 'none';
  context.globalAlpha = 1;
  // Nothing is beyond the poles.
  context.fillStyle = colors.ground;
  context.fillRect(0, 0, view.width, view.height);
  context.fillStyle = colors.sea;
  const [top, foot] = [90, -90].map((pole) => Math.min(view.height, Math.max(0, view.toPage([0, pole])[1]))) as [
    number,
    number,
  ];
  context.fillRect(0, top, view.width, foot - top);
  drawLand(context, view, colors);
  drawGraticule(context, view, colors);
  const large = scene.spots.filter((drawn) => !isDot(drawn.spot, view));
  for (const drawn of large) drawFootprint(context, view, unit, drawn, scene);
  for (const { spot, dot } of scene.spots.filter((drawn) => isDot(drawn.spot, view)))
    drawDot(context, view, spot, dot, colors);
  for (const [spot, color, width] of [
    [scene.under, colors.text, 1.5],
    [scene.current, colors.accent, 3],
  ] as const)
    if (spot) mark(context, view, spot, color, width, colors.ground);
}

/** How large a place is on the page, its longer side. */
export function sizeOf({ bounds: [west, south, east, north] }: Spot, { across, down }: View): number {
  return Math.max((east - west) * across, (north - south) * down);
}

export const isDot = (spot: Spot, view: View): boolean => !spot.footprint || sizeOf(spot, view) < leastPicture;

function path(context: Context, view: View, ring: readonly Point[], turn: number): void {
  ring.forEach(([longitude, latitude], i) => {
    const [x, y] = view.toPage([longitude + turn, latitude]);
    if (i === 0) context.moveTo(x, y);
    else context.lineTo(x, y);
  });
  context.closePath();
}

function drawLand(context: Context, view: View, { land, line }: MapColorsOf): void {
  context.beginPath();
  for (const { points, west, east } of coast)
    for (const turn of turnsSeen(view, west, east)) path(context, view, points, turn);
  context.fillStyle = land;
  context.fill('evenodd');
  context.strokeStyle = line;
  context.lineWidth = 1;
  context.stroke();
}

function drawGraticule(context: Context, view: View, { line, text }: MapColorsOf): void {
  const step = graticuleStep(Math.min(view.across, view.down), 90);
  const digits = Math.max(0, Math.ceil(-Math.log10(step) - 1e-9));
  const [west, north] = view.toDegrees(0, 0);
  const [east, south] = view.toDegrees(view.width, view.height);
  context.font = '11px system-ui, sans-serif';
  context.lineWidth = 0.5;
  context.strokeStyle = line;
  context.fillStyle = text;
  context.textBaseline = 'top';
  const degrees = (value: number, plus: string, minus: string): string => {
    const none = Math.abs(value) < step / 2 || Math.abs(value) > 180 - step / 2;
    return `${Math.abs(value).toFixed(digits)}°${none ? '' : value < 0 ? minus : plus}`;
  };
  const seam = (value: number): number => ((((value + 180) % 360) + 360) % 360) - 180;
  for (let at = Math.ceil(west / step); at * step <= east; at++) {
    const [x] = view.toPage([at * step, 0]);
    stroke(context, x, Math.max(0, view.toPage([0, 90])[1]), x, Math.min(view.height, view.toPage([0, -90])[1]));
    const value = seam(at * step);
    context.fillText(degrees(value, 'E', 'W'), x + 4, 4);
  }
  for (let at = Math.ceil(Math.max(south, -90) / step); at * step <= Math.min(north, 90); at++) {
    const value = at * step;
    const [, y] = view.toPage([0, value]);
    stroke(context, 0, y, view.width, y);
    if (y > 24) context.fillText(degrees(value, 'N', 'S'), 4, y + 3);
  }
}

function stroke(context: Context, fromX: number, fromY: number, toX: number, toY: number): void {
  context.beginPath();
  context.moveTo(fromX, fromY);
  context.lineTo(toX, toY);
  context.stroke();
}

function drawFootprint(
  context: Context,
  view: View,
  unit: number,
  { spot, picture, cells, geometry }: DrawnSpot,
  scene: MapScene,
): void {
  const { footprint, bounds } = spot;
  const { frameWidth, frameHeight, x, y, width, height } = geometry;
  for (const turn of turnsSeen(view, bounds[0], bounds[2])) {
    const toPage = (column: number, row: number) => {
      const [longitude, latitude] = footprint!.at(column, row);
      return view.toPage([longitude + turn, latitude]);
    };
    context.save();
    context.beginPath();
    path(context, view, footprint!.ring, turn);
    context.fillStyle = scene.colors.ground;
    context.fill();
    // Cells may reach beyond the frame.
    context.clip();
    context.imageSmoothingEnabled = true;
    if (picture) {
      if (scene.subdued && cells)
        context.filter = `grayscale(${scene.opacity}) brightness(${1 - 0.45 * scene.opacity})`;
      warp(context, unit, picture, (u, v) => toPage(u * frameWidth, v * frameHeight));
      context.filter = 'none';
    }
    if (cells && scene.opacity > 0) {
      context.globalAlpha = picture ? scene.opacity : 1;
      context.imageSmoothingEnabled = scene.smooth;
      warp(context, unit, cells, (u, v) => toPage(x + u * width, y + v * height));
    }
    context.restore();
    context.beginPath();
    path(context, view, footprint!.ring, turn);
    context.strokeStyle = scene.colors.strong;
    context.lineWidth = 0.75;
    context.stroke();
  }
}

type Place = (u: number, v: number) => readonly [x: number, y: number];

/** Pixels that a picture may lie beside its place. */
const tolerated = 0.75;
const deepest = 5;

/**
 * Draws a picture whose corners and points between go where `place` says, for shares of its width and height: in one
 * piece where that is a parallelogram, in four smaller ones where it is not.
 */
function warp(context: Context, unit: number, image: ImageBitmap | OffscreenCanvas, place: Place): void {
  const piece = (left: number, top: number, size: number, depth: number): void => {
    const [x0, y0] = place(left, top);
    const [x1, y1] = place(left + size, top);
    const [x2, y2] = place(left, top + size);
    const away = (u: number, v: number): number => {
      const [x, y] = place(left + u * size, top + v * size);
      return Math.hypot(x - (x0 + (x1 - x0) * u + (x2 - x0) * v), y - (y0 + (y1 - y0) * u + (y2 - y0) * v));
    };
    if (depth < deepest && Math.max(away(1, 1), away(0.5, 0.5), away(0.5, 0), away(0, 0.5)) > tolerated) {
      for (const v of [0, 0.5]) for (const u of [0, 0.5]) piece(left + u * size, top + v * size, size / 2, depth + 1);
      return;
    }
    const { width, height } = image;
    const [w, h] = [size * width, size * height];
    context.save();
    context.setTransform(
      ((x1 - x0) / w) * unit,
      ((y1 - y0) / w) * unit,
      ((x2 - x0) / h) * unit,
      ((y2 - y0) / h) * unit,
      x0 * unit,
      y0 * unit,
    );
    // A little more than the piece, so that no seam is seen between two.
    const more = depth === 0 ? 0 : 0.6;
    const across = (more * w) / Math.max(1, Math.hypot(x1 - x0, y1 - y0));
    const down = (more * h) / Math.max(1, Math.hypot(x2 - x0, y2 - y0));
    context.drawImage(image, left * width, top * height, w, h, 0, 0, w + across, h + down);
    context.restore();
  };
  piece(0, 0, 1, 0);
}

function drawDot(
  context: Context,
  view: View,
  { middle: [longitude, latitude] }: Spot,
  color: string,
  { ground }: MapColorsOf,
): void {
  for (const turn of turnsSeen(view, longitude, longitude)) {
    const [x, y] = view.toPage([longitude + turn, latitude]);
    context.beginPath();
    context.arc(x, y, dotRadius, 0, 2 * Math.PI);
    context.fillStyle = color;
    context.fill();
    context.strokeStyle = ground;
    context.lineWidth = 1.5;
    context.stroke();
  }
}

/** A line around a place, seen on light and on dark. */
function mark(context: Context, view: View, spot: Spot, color: string, width: number, ground: string): void {
  const dot = isDot(spot, view);
  for (const turn of turnsSeen(view, spot.bounds[0], spot.bounds[2])) {
    context.beginPath();
    if (dot) {
      const [x, y] = view.toPage([spot.middle[0] + turn, spot.middle[1]]);
      context.arc(x, y, dotRadius + 3.5, 0, 2 * Math.PI);
    } else path(context, view, spot.footprint!.ring, turn);
    context.strokeStyle = ground;
    context.lineWidth = width + 2;
    context.stroke();
    context.strokeStyle = color;
    context.lineWidth = width;
    context.stroke();
  }
}

/** The place at a point of the page: the smallest of those that hold it, or the nearest dot. */
export function spotAt(spots: readonly Spot[], view: View, x: number, y: number): Spot | undefined {
  let found: Spot | undefined;
  let least = Infinity;
  const [longitude, latitude] = view.toDegrees(x, y);
  for (const spot of spots)
    for (const turn of turnsSeen(view, spot.bounds[0] - 1, spot.bounds[2] + 1)) {
      const [middleX, middleY] = view.toPage([spot.middle[0] + turn, spot.middle[1]]);
      const distance = Math.hypot(x - middleX, y - middleY);
      // A dot lies above all pictures.
      const score = isDot(spot, view)
        ? distance <= dotRadius + 7
          ? distance - 1e9
          : Infinity
        : isWithin(spot.footprint!.ring, longitude - turn, latitude)
          ? sizeOf(spot, view) + distance * 1e-3
          : Infinity;
      if (score < least) [least, found] = [score, spot];
    }
  return found;
}
