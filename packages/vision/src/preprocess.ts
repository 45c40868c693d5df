// Frames to an encoder's input: resized, cut, normalised. The one definition that everything in the project uses.

import { InputError, type Geometry, type Raster } from '@deepearth/core';
import { assembleTiles, type TileAssembly } from './assemble-tiles.ts';
import { layout, type Layout, type LayoutOptions } from './geometry.ts';
import { fillColour, type PictureProcessing } from './picture-processing.ts';
import { offsets, pixelKernel, slack } from './pixel-kernel.ts';
import { toPicture, type ValueRange } from './preprocess-raster.ts';
import { tokenValidity, type SeenCells, type TokenValidity } from './preprocess-validity.ts';
import { resizeWindow, resizeWindowFloat, type Bytes } from './resize.ts';

/** How frames are prepared for an encoder. */
export interface PreprocessOptions extends Omit<LayoutOptions, 'resize'> {
  /** What the checkpoint's own processor does. */
  readonly processing: PictureProcessing;
  /**
   * The values that become 0 and 255, for rasters that are not 8-bit; values outside are clamped. 8-bit rasters are
   * taken as they are.
   */
  readonly range?: ValueRange | undefined;
  /** Frames a token spans; for `valid` only. 1 for an encoder of single frames. */
  readonly tubelet: number;
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
  /** Tokens that neighbouring tiles share. */
  readonly overlap: number;
  /** Tokens of all tiles together, one time step; what several tiles see counts once. */
  readonly grid: Layout['grid'];
  readonly geometry: Geometry;
  /**
   * `[max(1, floor(frames / tubelet)), grid.height, grid.width]`, the share of a token's pixels that hold data, from 0
   * (nothing but padding or pixels without data) to 255 (all of them); absent when all tokens are whole.
   */
  readonly valid?: Uint8Array;
  /** The 8-bit picture the encoder gets of one frame, `[height, width, 3]`; rounded where the encoder gets floats. */
  bytes(frame: number, row?: number, column?: number): Uint8Array;
  /**
   * One tile's input, normalised, `[frames, 3, height, width]`; written into `out` when given (its first `frames * 3 *
   * height * width` values).
   */
  pixels(row?: number, column?: number, out?: Float32Array): Float32Array;
  /** Puts the encoder's tokens of the tiles together again; `time` steps of `channels` values a token. */
  assemble(time: number, channels: number): TileAssembly;
}

/** Frames that are ready for an encoder. */
export interface PreprocessedClip extends Omit<PreparedClip, 'bytes' | 'pixels' | 'assemble'> {
  /** `shape`, normalised. */
  readonly pixels: Float32Array;
  /** `[tiles, frames, 3, height, width]`; tiles row by row, one for every fit but `tile`. */
  readonly shape: readonly [tiles: number, frames: number, channels: 3, height: number, width: number];
}

interface Statistics {
  readonly shift: number;
  readonly divisor: number;
}

/**
 * Mean and deviation of bytes, in 32-bit floats: what Hugging Face's fused rescale and normalise takes away and divides
 * by.
 */
const statisticsOf = ({ mean, deviation }: PictureProcessing): Statistics[] =>
  mean.map((value, channel) => ({
    shift: Math.fround(Math.fround(value) * 255),
    divisor: Math.fround(Math.fround(deviation[channel]!) * 255),
  }));

/**
 * A clip that is made ready frame by frame: of a frame that has been added, nothing stays but what the encoder gets.
 */
export interface ClipPreparation {
  /**
   * Takes the next frame. Throws an `InputError` for another size than the first one's, channels that are no picture,
   * or values that are not 8-bit when no `range` is given; a `RangeError` for a crop that is no multiple of the patch
   * size. Returns whether it holds on to pixels of the raster itself; else they may change from now on.
   */
  add(raster: Raster): boolean;
  /** Takes the frame that came last once more. */
  repeat(): void;
  /** Throws an `InputError` for a clip without frames. */
  finish(): PreparedClip;
}

/**
 * What is kept of a frame: the encoder's input, where there is one tile; else all pixels, 8-bit, that tiles are cut
 * from.
 */
interface Kept {
  tile(row: number, column: number): Uint8Array | Float32Array;
  readonly seen: SeenCells | undefined;
  readonly holdsPixels: boolean;
}

/** Starts a clip without frames. */
export function clipPreparation(options: PreprocessOptions): ClipPreparation {
  const { processing, tubelet } = options;
  const statistics = statisticsOf(processing);
  const frames: Kept[] = [];
  // Frames that are the same raster (a still image repeated to a clip) are converted and resized once.
  const once = new WeakMap<Raster, Kept>();
  let started: { readonly plan: Layout; readonly validity: TokenValidity } | undefined;

  function start(width: number, height: number): NonNullable<typeof started> {
    const plan = layout(width, height, { ...options, resize: processing.resize });
    return { plan, validity: tokenValidity(plan, tubelet) };
  }

  function keep(raster: Raster, name: string): Kept {
    const { picture, valid } = toPicture(raster, name, options.range);
    started ??= start(picture.width, picture.height);
    const { plan, validity } = started;
    const { frameWidth, frameHeight } = plan.geometry;
    if (picture.height !== frameHeight || picture.width !== frameWidth)
      throw new InputError(
        name,
        `it has ${picture.width} x ${picture.height} pixels, the clip's first frame has ${frameWidth} x ${frameHeight}; the frames of a clip need one size.`,
        {
          code: 'E_FRAME_SIZE',
          remedy: 'Resize them, or make a clip of every frame with `windower/still`.',
        },
      );
    const holdsPixels = plan.tiles.rows * plan.tiles.columns > 1;
    const tile = holdsPixels ? tilesOf(picture) : onlyTile(cut(picture, 0, 0));
    return { seen: validity.seen(valid), tile, holdsPixels };
  }

  const cut = (picture: Bytes, row: number, column: number) => cutTile(picture, started!.plan, processing, row, column);
  const tilesOf =
    (picture: Bytes): Kept['tile'] =>
    (row, column) =>
      cut(picture, row, column);
  // A function of its own: one that is made beside the picture would hold on to it.
  const onlyTile =
    (tile: Uint8Array | Float32Array): Kept['tile'] =>
    () =>
      tile;

  return {
    add(raster) {
      const index = frames.length;
      let kept = once.get(raster);
      if (!kept) once.set(raster, (kept = keep(raster, options.names?.[index] ?? `frame ${index + 1}`)));
      frames.push(kept);
      return kept.holdsPixels;
    },
    repeat: () => void frames.push(frames.at(-1)!),
    finish() {
      if (!started) throw new InputError('clip', 'there are no frames in it');
      const { plan, validity } = started;
      return prepared(frames, plan, statistics, validity.shares(frames.map(({ seen }) => seen)));
    },
  };
}

/**
 * Prepares the frames of one clip, all of one size. Throws an `InputError` for an empty clip, and what
 * `ClipPreparation.add` throws.
 */
export function prepareClip(rasters: readonly Raster[], options: PreprocessOptions): PreparedClip {
  const { names = rasters.map((_, index) => `frame ${index + 1} of ${rasters.length}`) } = options;
  const preparation = clipPreparation({ ...options, names });
  for (const raster of rasters) preparation.add(raster);
  return preparation.finish();
}

function prepared(
  frames: readonly Kept[],
  plan: Layout,
  statistics: readonly Statistics[],
  valid: Uint8Array | undefined,
): PreparedClip {
  const { tile, tiles, overlap, grid, geometry } = plan;
  const check = (row: number, column: number) => {
    if (!(row >= 0 && row < tiles.rows && column >= 0 && column < tiles.columns))
      throw new RangeError(`tile (${row}, ${column}) is none of ${tiles.rows} x ${tiles.columns}`);
  };
  return {
    frames: frames.length,
    height: tile.height,
    width: tile.width,
    tiles,
    overlap,
    grid,
    geometry,
    ...(valid && { valid }),
    bytes(frame, row = 0, column = 0) {
      check(row, column);
      const cut = frames[frame]!.tile(row, column);
      return cut instanceof Uint8Array ? cut : new Uint8Array(Uint8ClampedArray.from(cut).buffer);
    },
    pixels(row = 0, column = 0, out = new Float32Array(frames.length * 3 * tile.height * tile.width)) {
      check(row, column);
      const area = tile.height * tile.width;
      const written = new Map<Kept, number>();
      frames.forEach((frame, index) => {
        const at = index * 3 * area;
        const same = written.get(frame);
        if (same !== undefined) return void out.copyWithin(at, same, same + 3 * area);
        written.set(frame, at);
        normalise(frame.tile(row, column), statistics, out, at);
      });
      return out;
    },
    assemble: (time, channels) => assembleTiles(plan, time, channels),
  };
}

/** Prepares a clip and makes the pixels of all its tiles at once. Throws what `prepareClip` throws. */
export function preprocessClip(rasters: readonly Raster[], options: PreprocessOptions): PreprocessedClip {
  const { bytes: _, assemble: __, pixels: tilePixels, ...prepared } = prepareClip(rasters, options);
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
function cutTile(
  picture: Bytes,
  { resized, offset, tile, step }: Layout,
  processing: PictureProcessing,
  row: number,
  column: number,
): Uint8Array | Float32Array {
  const left = offset.x + column * step.width;
  const top = offset.y + row * step.height;
  const x = Math.max(left, 0);
  const y = Math.max(top, 0);
  const width = Math.min(left + tile.width, resized.width) - x;
  const height = Math.min(top + tile.height, resized.height) - y;
  const cut = processing.resizedAs === 'uint8' ? resizeWindow : resizeWindowFloat;
  const inside = cut(picture, resized.height, resized.width, { x, y, width, height }, processing.interpolation);
  if (width === tile.width && height === tile.height) return inside;
  const colour = fillColour(processing);
  const out = new (inside instanceof Uint8Array ? Uint8Array : Float32Array)(tile.height * tile.width * 3);
  for (let i = 0; i < out.length; i++) out[i] = colour[i % 3]!;
  for (let line = 0; line < height; line++)
    out.set(inside.subarray(line * width * 3, (line + 1) * width * 3), ((y - top + line) * tile.width + x - left) * 3);
  return out;
}

/** `[height, width, 3]` values of 0…255 to `[3, height, width]` normalised floats at `at`. */
function normalise(
  values: Uint8Array | Float32Array,
  statistics: readonly Statistics[],
  out: Float32Array,
  at: number,
): void {
  const area = values.length / 3;
  if (values instanceof Float32Array)
    return statistics.forEach(({ shift, divisor }, channel) => {
      for (let pixel = 0; pixel < area; pixel++)
        out[at + channel * area + pixel] = Math.fround(values[pixel * 3 + channel]! - shift) / divisor;
    });
  const [from, to, used] = offsets([values.length + slack, 4 * area + slack]) as [number, number, number];
  const { memory, normalise: run } = pixelKernel(used);
  memory.set(values, from);
  statistics.forEach(({ shift, divisor }, channel) => {
    run(from + channel, area, shift, divisor, to);
    out.set(new Float32Array(memory.buffer, to, area), at + channel * area);
  });
}
