// How a frame is scaled and cut for the encoder, and which part of it the token grid covers; pure arithmetic on sizes.

import type { Geometry } from '@deepearth/core';

/**
 * How a frame becomes the square (or rectangle) the encoder takes:
 * `crop` is the checkpoints' own preparation (shortest edge to `int(crop * 256 / 224)`, centre cut out, edges lost);
 * `resize` squeezes the whole frame, aspect not kept; `pad` keeps the aspect and fills what is left over;
 * `tile` keeps the resolution and cuts the frame into crops side by side, whose tokens make one bigger grid.
 */
export const fits = ['crop', 'resize', 'tile', 'pad'] as const;
export type Fit = (typeof fits)[number];

/** A rectangle in pixels. */
export interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Pixels of the encoder's input; one number is a square. */
export type CropSize = number | { readonly height: number; readonly width: number };

/** Edge of a patch in pixels: what one token sees. */
export const patchSize = 16;

/** What happens to a frame of one size. */
export interface Layout {
  /** The frame is resized to this many pixels (equal to its own size where nothing is resized). */
  readonly resized: { readonly height: number; readonly width: number };
  /** Where the upper left corner of the first tile lies in the resized frame; negative where it is padded. */
  readonly offset: { readonly x: number; readonly y: number };
  /** Pixels of one tile, multiples of 16. */
  readonly tile: { readonly height: number; readonly width: number };
  readonly tiles: { readonly rows: number; readonly columns: number };
  /** Tokens of all tiles together. */
  readonly grid: { readonly height: number; readonly width: number };
  readonly geometry: Geometry;
}

export interface LayoutOptions {
  readonly cropSize: CropSize;
  readonly fit?: Fit | undefined;
  /** For `tile`: pixels of the encoder's input per frame pixel; 1 is the frame's own resolution. */
  readonly scale?: number | undefined;
}

/** Height and width of a crop. Throws a `RangeError` when one is no positive multiple of 16. */
export function cropRectangle(cropSize: CropSize): { height: number; width: number } {
  const { height, width } = typeof cropSize === 'number' ? { height: cropSize, width: cropSize } : cropSize;
  for (const edge of [height, width])
    if (!Number.isInteger(edge) || edge < patchSize || edge % patchSize)
      throw new RangeError(
        `a crop is a positive multiple of ${patchSize} pixels on each side, got ${height} x ${width}`,
      );
  return { height, width };
}

/**
 * `int(edge * 256 / 224)`: what the shortest edge is scaled to before a crop of `edge` is cut out. 256 gives 292, 384
 * gives 438.
 */
export const shortestEdge = (edge: number): number => Math.trunc((edge * 256) / 224);

type Placement = Pick<Layout, 'resized' | 'offset'> & { readonly tiles?: Layout['tiles'] };
type Size = Layout['tile'];

const placements: Readonly<Record<Fit, (frame: Size, crop: Size, scale: number) => Placement>> = {
  crop(frame, crop) {
    const cover = { height: shortestEdge(crop.height), width: shortestEdge(crop.width) };
    // For a square crop: the shortest edge becomes `cover`, the other is truncated, as in Hugging Face's processor.
    const resized =
      frame.width * cover.height <= frame.height * cover.width
        ? { width: cover.width, height: Math.trunc((cover.width * frame.height) / frame.width) }
        : { height: cover.height, width: Math.trunc((cover.height * frame.width) / frame.height) };
    // An odd remainder is truncated: Hugging Face's processor does so, the original repository rounds half to even.
    return {
      resized,
      offset: { x: Math.trunc((resized.width - crop.width) / 2), y: Math.trunc((resized.height - crop.height) / 2) },
    };
  },
  resize: (_, crop) => ({ resized: crop, offset: { x: 0, y: 0 } }),
  pad(frame, crop) {
    const scale = Math.min(crop.width / frame.width, crop.height / frame.height);
    const edge = (length: number, limit: number) => Math.min(Math.max(Math.round(length * scale), 1), limit);
    const resized = { width: edge(frame.width, crop.width), height: edge(frame.height, crop.height) };
    return {
      resized,
      offset: {
        x: 0 - Math.floor((crop.width - resized.width) / 2),
        y: 0 - Math.floor((crop.height - resized.height) / 2),
      },
    };
  },
  tile(frame, crop, scale) {
    if (!(scale > 0 && Number.isFinite(scale))) throw new RangeError(`scale is a positive number, got ${scale}`);
    const resized = {
      width: Math.max(Math.round(frame.width * scale), 1),
      height: Math.max(Math.round(frame.height * scale), 1),
    };
    return {
      resized,
      offset: { x: 0, y: 0 },
      tiles: { rows: Math.ceil(resized.height / crop.height), columns: Math.ceil(resized.width / crop.width) },
    };
  },
};

/**
 * Says how frames of one size are scaled and cut. Throws a `RangeError` for a crop that is no multiple of 16 or a frame
 * without pixels.
 */
export function layout(
  frameWidth: number,
  frameHeight: number,
  { cropSize, fit = 'crop', scale = 1 }: LayoutOptions,
): Layout {
  const tile = cropRectangle(cropSize);
  if (!(frameWidth >= 1 && frameHeight >= 1))
    throw new RangeError(`a frame of ${frameWidth} x ${frameHeight} has no pixels`);
  const {
    resized,
    offset,
    tiles = { rows: 1, columns: 1 },
  } = placements[fit]({ height: frameHeight, width: frameWidth }, tile, scale);
  const across = frameWidth / resized.width;
  const down = frameHeight / resized.height;
  return {
    resized,
    offset,
    tile,
    tiles,
    grid: { height: (tiles.rows * tile.height) / patchSize, width: (tiles.columns * tile.width) / patchSize },
    geometry: {
      frameWidth,
      frameHeight,
      x: offset.x * across,
      y: offset.y * down,
      width: tiles.columns * tile.width * across,
      height: tiles.rows * tile.height * down,
    },
  };
}

/**
 * The rectangle of the frame, in frame pixels, that the token `(row, column)` of a `height x width` grid sees; it may
 * reach beyond the frame.
 */
export function cellRectangle(geometry: Geometry, grid: Layout['grid'], row: number, column: number): Rectangle {
  const width = geometry.width / grid.width;
  const height = geometry.height / grid.height;
  return { x: geometry.x + column * width, y: geometry.y + row * height, width, height };
}

/**
 * The token that sees the point `(x, y)` of the frame, in frame pixels; `undefined` where none does (an edge that the
 * crop left out).
 */
export function cellAt(
  geometry: Geometry,
  grid: Layout['grid'],
  x: number,
  y: number,
): { row: number; column: number } | undefined {
  const column = Math.floor(((x - geometry.x) / geometry.width) * grid.width);
  const row = Math.floor(((y - geometry.y) / geometry.height) * grid.height);
  return column >= 0 && row >= 0 && column < grid.width && row < grid.height ? { row, column } : undefined;
}
