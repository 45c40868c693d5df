// How a frame is scaled and cut for an encoder, and which part of it the token grid covers; pure arithmetic on sizes.

import type { Geometry, Rectangle } from '@deepearth/core';
import type { ResizeRule } from './picture-processing.ts';

/**
 * How a frame becomes the square (or rectangle) an encoder takes:
 * `crop` scales the shortest edge and cuts out the centre, as most checkpoints were trained (edges are lost);
 * `resize` squeezes the whole frame, aspect not kept; `pad` keeps the aspect and fills what is left over;
 * `tile` keeps the resolution and cuts the frame into crops side by side, whose tokens make one bigger grid.
 */
export const fits = ['crop', 'resize', 'tile', 'pad'] as const;
/** How a frame becomes the input of an encoder. */
export type Fit = (typeof fits)[number];

/** Pixels of the encoder's input; one number is a square. */
export type CropSize = number | { readonly height: number; readonly width: number };

/** Pixels, or tokens, along both sides. */
export interface Size {
  readonly height: number;
  readonly width: number;
}

/** What happens to a frame of one size. */
export interface Layout {
  /** The frame is resized to this many pixels (equal to its own size where nothing is resized). */
  readonly resized: Size;
  /** Where the upper left corner of the first tile lies in the resized frame; negative where it is padded. */
  readonly offset: { readonly x: number; readonly y: number };
  /** Pixels of one tile, multiples of the patch size. */
  readonly tile: Size;
  /** Pixels from one tile to the next: the tile's own less the overlap. */
  readonly step: Size;
  readonly tiles: { readonly rows: number; readonly columns: number };
  /** Tokens that neighbouring tiles share. */
  readonly overlap: number;
  /** Tokens of all tiles together; what several tiles see counts once. */
  readonly grid: Size;
  readonly geometry: Geometry;
}

/** What the layout of a frame on the input depends on. */
export interface LayoutOptions {
  readonly cropSize: CropSize;
  /** Edge of a patch in pixels: what one token sees. */
  readonly patchSize: number;
  /** The checkpoint's own resize; what `crop` follows, and which of `crop` and `resize` is meant without a `fit`. */
  readonly resize: ResizeRule;
  readonly fit?: Fit | undefined;
  /** For `tile`: pixels of the encoder's input per frame pixel; 1 is the frame's own resolution. */
  readonly scale?: number | undefined;
  /** For `tile`: tokens that neighbouring tiles share, at most half a tile; 0 by default. */
  readonly overlap?: number | undefined;
}

/** The first edge of a crop that is no multiple of the patch size; `undefined` where both are. */
export const edgeOffPatch = (cropSize: CropSize, patchSize: number): number | undefined =>
  (typeof cropSize === 'number' ? [cropSize] : [cropSize.height, cropSize.width]).find((edge) => edge % patchSize);

/** Height and width of a crop. Throws a `RangeError` when one is no positive multiple of the patch size. */
export function cropRectangle(cropSize: CropSize, patchSize: number): Size {
  if (!Number.isInteger(patchSize) || patchSize < 1)
    throw new RangeError(`a patch is a whole number of pixels wide, got ${patchSize}`);
  const { height, width } = typeof cropSize === 'number' ? { height: cropSize, width: cropSize } : cropSize;
  for (const edge of [height, width])
    if (!Number.isInteger(edge) || edge < patchSize || edge % patchSize)
      throw new RangeError(
        `a crop is a positive multiple of ${patchSize} pixels on each side, got ${height} x ${width}`,
      );
  return { height, width };
}

/**
 * What the shortest edge is scaled to before a crop of `edge` is cut out: `int(edge * 256 / 224)` for
 * `{ shortestEdge: 256, crop: 224 }`, `edge` itself for `exact`.
 */
export const shortestEdge = (edge: number, rule: ResizeRule): number =>
  rule === 'exact' ? edge : Math.trunc((edge * rule.shortestEdge) / rule.crop);

type Placement = Pick<Layout, 'resized' | 'offset'>;
type Place = (frame: Size, crop: Size, options: { rule: ResizeRule; scale: number }) => Placement;

const placements: Readonly<Record<Fit, Place>> = {
  crop(frame, crop, { rule }) {
    const cover = { height: shortestEdge(crop.height, rule), width: shortestEdge(crop.width, rule) };
    // For a square crop: the shortest edge becomes `cover`, the other is truncated, as in Hugging Face's processors.
    const resized =
      frame.width * cover.height <= frame.height * cover.width
        ? { width: cover.width, height: Math.trunc((cover.width * frame.height) / frame.width) }
        : { height: cover.height, width: Math.trunc((cover.height * frame.width) / frame.height) };
    // An odd remainder is truncated: Hugging Face's processors do so, V-JEPA's repository rounds half to even.
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
  tile(frame, _, { scale }) {
    if (!(scale > 0 && Number.isFinite(scale))) throw new RangeError(`scale is a positive number, got ${scale}`);
    return {
      resized: {
        width: Math.max(Math.round(frame.width * scale), 1),
        height: Math.max(Math.round(frame.height * scale), 1),
      },
      offset: { x: 0, y: 0 },
    };
  },
};

/**
 * Says how frames of one size are scaled and cut. Throws a `RangeError` for a crop that is no multiple of the patch
 * size, an overlap of more than half a tile, or a frame without pixels.
 */
export function layout(frameWidth: number, frameHeight: number, options: LayoutOptions): Layout {
  const { cropSize, patchSize, resize, fit = resize === 'exact' ? 'resize' : 'crop', scale = 1 } = options;
  const tile = cropRectangle(cropSize, patchSize);
  if (!(frameWidth >= 1 && frameHeight >= 1))
    throw new RangeError(`a frame of ${frameWidth} x ${frameHeight} has no pixels`);
  const placed = placements[fit]({ height: frameHeight, width: frameWidth }, tile, { rule: resize, scale });
  const { resized } = placed;
  const overlap = fit === 'tile' ? (options.overlap ?? 0) : 0;
  const most = Math.floor(Math.min(tile.height, tile.width) / patchSize / 2);
  if (!Number.isInteger(overlap) || overlap < 0 || overlap > most)
    throw new RangeError(`tiles overlap by 0 to ${most} tokens (half a tile), got ${overlap}`);
  const shared = overlap * patchSize;
  const step = { height: tile.height - shared, width: tile.width - shared };
  const needed = (length: number, edge: number) => Math.max(Math.ceil((length - shared) / edge), 1);
  const tiles =
    fit === 'tile'
      ? { rows: needed(resized.height, step.height), columns: needed(resized.width, step.width) }
      : { rows: 1, columns: 1 };
  const covered = { height: tiles.rows * step.height + shared, width: tiles.columns * step.width + shared };
  const across = frameWidth / resized.width;
  const down = frameHeight / resized.height;
  return {
    ...placed,
    tile,
    step,
    tiles,
    overlap,
    grid: { height: covered.height / patchSize, width: covered.width / patchSize },
    geometry: {
      frameWidth,
      frameHeight,
      x: placed.offset.x * across,
      y: placed.offset.y * down,
      width: covered.width * across,
      height: covered.height * down,
    },
  };
}

/**
 * Bytes that clips hold which are made ready: the encoder's input, 8-bit, where it is one tile; else all the pixels of
 * their frames, 8-bit.
 */
export const preparedBytes = ({ tile, tiles, geometry }: Layout, frames: number): number =>
  3 * frames * (tiles.rows * tiles.columns > 1 ? geometry.frameWidth * geometry.frameHeight : tile.height * tile.width);

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

/** The share of a frame that the grid covers, from 0 to 1: less than 1 where edges are cut off. */
export function seenShare({
  geometry: { frameWidth, frameHeight, x, y, width, height },
}: Pick<Layout, 'geometry'>): number {
  const across = Math.min(frameWidth, x + width) - Math.max(0, x);
  const down = Math.min(frameHeight, y + height) - Math.max(0, y);
  return (across * down) / (frameWidth * frameHeight);
}

/** The warning where a share of each frame is not seen; none below half a percent. */
export function unseenWarnings(placed: Pick<Layout, 'geometry'>): string[] {
  const unseen = Math.round((1 - seenShare(placed)) * 100);
  const { frameWidth, frameHeight } = placed.geometry;
  return unseen < 1
    ? []
    : [
        `${unseen} % of each frame of ${frameWidth} x ${frameHeight} pixels is cut off and never seen; \`fit: resize\`, \`pad\` or \`tile\` sees all of it`,
      ];
}
