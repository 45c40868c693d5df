// Frames to the encoder's input: resized, cut, rounded to 8 bits, normalised. The one definition that everything in the
// project uses.

import { InputError, type Geometry, type Raster } from '@deepearth/core';
import { layout, type Layout, type LayoutOptions } from './geometry.ts';
import { offsets, pixelKernel, slack } from './pixel-kernel.ts';
import { toPicture, type Range } from './preprocess-raster.ts';
import { tokenValidity } from './preprocess-validity.ts';
import { resizeWindow, type Bytes } from './resize.ts';

/** ImageNet's statistics, of values in 0…1. */
export const imageNetMean = [0.485, 0.456, 0.406] as const;
export const imageNetDeviation = [0.229, 0.224, 0.225] as const;
/** What stands where there is no frame (padding): the mean, so that it is (nearly) 0 after normalising. */
export const fillColour = [124, 116, 104] as const;

export interface PreprocessOptions extends LayoutOptions {
  /**
   * The values that become 0 and 255, for rasters that are not 8-bit; values outside are clamped. 8-bit rasters are
   * taken as they are.
   */
  readonly range?: Range | undefined;
  /** Frames a token spans; for `valid` only. 2 in every checkpoint; 1 in the image path of V-JEPA 2.1. */
  readonly tubelet?: number | undefined;
  /** Where each raster came from, for errors. */
  readonly names?: readonly string[] | undefined;
}

/**
 * A clip made ready; the pixels of a tile are made when asked for, so a large frame never has all its tiles in memory
 * at once.
 */
export interface PreparedClip {
  /** Number of frames. */
  readonly frames: number;
  /** Pixels of one tile. */
  readonly height: number;
  readonly width: number;
  readonly tiles: Layout['tiles'];
  /** Tokens of all tiles together, one time step. */
  readonly grid: Layout['grid'];
  readonly geometry: Geometry;
  /**
   * `[max(1, floor(frames / tubelet)), grid.height, grid.width]`, 0 where a token sees nothing but padding or pixels
   * without data; absent when all see something.
   */
  readonly valid?: Uint8Array;
  /** The 8-bit picture the encoder gets of one frame, `[height, width, 3]`. */
  bytes(frame: number, row?: number, column?: number): Uint8Array;
  /**
   * One tile's input, normalised, `[frames, 3, height, width]`; written into `out` when given (its first `frames * 3 *
   * height * width` values).
   */
  pixels(row?: number, column?: number, out?: Float32Array): Float32Array;
}

export interface PreprocessedClip extends Omit<PreparedClip, 'bytes' | 'pixels'> {
  /** `shape`, normalised. */
  readonly pixels: Float32Array;
  /** `[tiles, frames, 3, height, width]`; tiles row by row, one for every fit but `tile`. */
  readonly shape: readonly [tiles: number, frames: number, channels: 3, height: number, width: number];
}

/**
 * Mean and deviation of bytes, in 32-bit floats: what Hugging Face's fused rescale and normalise takes away and divides
 * by.
 */
const statistics = imageNetMean.map((mean, channel) => ({
  shift: Math.fround(Math.fround(mean) * 255),
  divisor: Math.fround(Math.fround(imageNetDeviation[channel]!) * 255),
}));

/**
 * Prepares the frames of one clip, all of one size. Throws an `InputError` for an empty clip, sizes that differ,
 * channels that are no picture, or values that are not 8-bit when no `range` is given; a `RangeError` for a crop that
 * is no multiple of 16.
 */
export function prepareClip(rasters: readonly Raster[], options: PreprocessOptions): PreparedClip {
  const name = (index: number) => options.names?.[index] ?? `frame ${index + 1} of ${rasters.length}`;
  const [first] = rasters;
  if (!first) throw new InputError('clip', 'there are no frames in it');
  // Frames that are the same raster (a still image repeated to a clip) are converted and resized once.
  const once = new Map<Raster, Bytes>();
  const valid = new Map<Raster, Uint8Array | undefined>();
  const pictures = rasters.map((raster, index) => {
    const known = once.get(raster);
    if (known) return known;
    const made = toPicture(raster, name(index), options.range);
    once.set(raster, made.picture);
    valid.set(raster, made.valid);
    return made.picture;
  });
  const { height: frameHeight, width: frameWidth } = pictures[0]!;
  const odd = pictures.findIndex(({ height, width }) => height !== frameHeight || width !== frameWidth);
  if (odd >= 0)
    throw new InputError(
      name(odd),
      `it has ${pictures[odd]!.width} x ${pictures[odd]!.height} pixels, the clip's first frame has ${frameWidth} x ${frameHeight}; the frames of a clip need one size.`,
    );
  const plan = layout(frameWidth, frameHeight, options);
  const { tile, tiles, grid, geometry } = plan;
  const validity = tokenValidity(
    rasters.map((raster) => valid.get(raster)),
    plan,
    options.tubelet ?? 2,
  );
  const check = (row: number, column: number) => {
    if (!(row >= 0 && row < tiles.rows && column >= 0 && column < tiles.columns))
      throw new RangeError(`tile (${row}, ${column}) is none of ${tiles.rows} x ${tiles.columns}`);
  };
  return {
    frames: rasters.length,
    height: tile.height,
    width: tile.width,
    tiles,
    grid,
    geometry,
    ...(validity && { valid: validity }),
    bytes(frame, row = 0, column = 0) {
      check(row, column);
      return cutTile(pictures[frame]!, plan, row, column);
    },
    pixels(row = 0, column = 0, out = new Float32Array(rasters.length * 3 * tile.height * tile.width)) {
      check(row, column);
      const area = tile.height * tile.width;
      const written = new Map<Bytes, number>();
      pictures.forEach((picture, frame) => {
        const at = frame * 3 * area;
        const same = written.get(picture);
        if (same !== undefined) return void out.copyWithin(at, same, same + 3 * area);
        written.set(picture, at);
        normalise(cutTile(picture, plan, row, column), out, at);
      });
      return out;
    },
  };
}

/** Prepares a clip and makes the pixels of all its tiles at once. Throws what `prepareClip` throws. */
export function preprocessClip(rasters: readonly Raster[], options: PreprocessOptions): PreprocessedClip {
  const { bytes: _, pixels: tilePixels, ...prepared } = prepareClip(rasters, options);
  const { rows, columns } = prepared.tiles;
  const size = prepared.frames * 3 * prepared.height * prepared.width;
  const pixels = new Float32Array(rows * columns * size);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) {
      const at = (row * columns + column) * size;
      tilePixels(row, column, pixels.subarray(at, at + size));
    }
  return { ...prepared, pixels, shape: [rows * columns, prepared.frames, 3, prepared.height, prepared.width] };
}

/** One tile of one frame, `[tile.height, tile.width, 3]`, padding filled. */
function cutTile(picture: Bytes, { resized, offset, tile }: Layout, row: number, column: number): Uint8Array {
  const left = offset.x + column * tile.width;
  const top = offset.y + row * tile.height;
  const x = Math.max(left, 0);
  const y = Math.max(top, 0);
  const width = Math.min(left + tile.width, resized.width) - x;
  const height = Math.min(top + tile.height, resized.height) - y;
  const inside = resizeWindow(picture, resized.height, resized.width, { x, y, width, height });
  if (width === tile.width && height === tile.height) return inside;
  const out = new Uint8Array(tile.height * tile.width * 3);
  for (let i = 0; i < out.length; i++) out[i] = fillColour[i % 3]!;
  for (let line = 0; line < height; line++)
    out.set(inside.subarray(line * width * 3, (line + 1) * width * 3), ((y - top + line) * tile.width + x - left) * 3);
  return out;
}

/** `[height, width, 3]` bytes to `[3, height, width]` floats at `at`. */
function normalise(bytes: Uint8Array, out: Float32Array, at: number): void {
  const area = bytes.length / 3;
  const [from, to, used] = offsets([bytes.length + slack, 4 * area + slack]) as [number, number, number];
  const { memory, normalise: run } = pixelKernel(used);
  memory.set(bytes, from);
  statistics.forEach(({ shift, divisor }, channel) => {
    run(from + channel, area, shift, divisor, to);
    out.set(new Float32Array(memory.buffer, to, area), at + channel * area);
  });
}
