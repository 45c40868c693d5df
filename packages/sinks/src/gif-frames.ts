// Encodes the pictures of one GIF piece by piece, with colours shared by all of them as long as they fit.

import type gifenc from 'gifenc';
import { concat } from '@deepearth/formats/bytes';
import { delayInTicks } from './frame-delays.ts';
import { framePixels } from './frame-pixels.ts';
import { frameHead, gifEnd, gifHead } from './gif-blocks.ts';
import { paletteMap, type PaletteMap } from './palette-map.ts';
import { choosePalette, type Pixels } from './palette.ts';

/** How a GIF is written. */
export interface GifOptions {
  readonly fps: number;
  readonly loop: boolean;
  readonly colors: number;
  readonly palette: 'shared' | 'frame';
  readonly dither: boolean;
}

/** One picture of a GIF. */
export interface GifPicture extends Pixels {
  readonly width: number;
  readonly height: number;
}

/** A GIF that grows picture by picture. */
export interface GifWriter {
  /** Takes a picture and returns the bytes that are ready, often none for the first few dozen. */
  add(picture: GifPicture): Uint8Array[];
  /** The rest of the file; none when there was no picture. */
  end(): Uint8Array[];
}

/** Pictures the shared palette is chosen from: the first so many, or as many as fit into `sampleBytes`. */
const samplePictures = 48;
export const sampleBytes = 48 * 2 ** 20;
/** Squared distance in colour that is never worth another palette: 4 levels in each of three channels. */
const tolerableError = 48;
/**
 * Levels that the dither's thresholds spread over: twice how far a channel usually is from its colour, so that no more
 * noise is added than hides the steps.
 */
const ditherLevels = (meanSquaredError: number): number =>
  Math.min(14, Math.round(2 * Math.sqrt(meanSquaredError / 3)));

/**
 * The delay of frame `index`, in hundredths of a second, GIF's unit; `n` frames last `n / fps` seconds to within half
 * of one.
 */
export const delayOf = (index: number, fps: number): number => delayInTicks(index, fps, 100);

/** The longest delay of a frame, in hundredths of a second, and the longest edge, in pixels: both have 16 bits. */
const most16 = 65535;
/** What the longest delay is in seconds. */
export const longestDelaySeconds = most16 / 100;
/** Whether a GIF can say the delays of so many frames a second; with what rounding carries along. */
export const canDelay = (fps: number): boolean => Math.ceil(100 / fps) <= most16;
/** Pixels along an edge, at most. */
export const longestEdge = most16;

interface Chosen {
  readonly map: PaletteMap;
  /** The mean squared distance of the pixels it was chosen for. */
  readonly usualError: number;
}

/**
 * Starts a GIF; all its pictures have one size. Holds the pictures its palette is chosen from, afterwards none; `done`
 * is told of each that has been written.
 */
export async function gifWriter(options: GifOptions, done?: (picture: GifPicture) => void): Promise<GifWriter> {
  const module = await import('gifenc');
  // A CommonJS package: Node hands out its exports as `default`, bundlers and test runners as names.
  const { quantize } = 'quantize' in module ? (module as unknown as typeof gifenc) : module.default;
  return writer(quantize, options, done);
}

function writer(
  quantize: typeof gifenc.quantize,
  { fps, loop, colors, palette, dither }: GifOptions,
  done?: (picture: GifPicture) => void,
): GifWriter {
  /** The palette in use. */
  let shared: Chosen | undefined;
  /** The palette at the head of the file; a frame with another one carries it along. */
  let head: Chosen | undefined;
  let held: GifPicture[] = [];
  let heldBytes = 0;
  let index = 0;

  const choose = (sample: readonly GifPicture[]): Chosen => {
    const map = paletteMap(choosePalette(sample, colors - (sample[0]!.channels === 4 ? 1 : 0), quantize));
    return { map, usualError: sample.reduce((sum, picture) => sum + map.error(picture), 0) / sample.length };
  };

  const write = (picture: GifPicture, chosen: Chosen): Uint8Array => {
    head ??= chosen;
    const { map, usualError } = chosen;
    const { width, height } = picture;
    // Behind the colours, where the palette has room for it.
    const transparent = map.palette.length;
    const seeThrough = picture.channels === 4;
    const palette = seeThrough ? [...map.palette, [0, 0, 0]] : map.palette;
    const bytes = [
      ...(index === 0 ? [gifHead(width, height, palette, loop)] : []),
      frameHead({
        width,
        height,
        delay: delayOf(index, fps),
        ...(chosen !== head && { palette }),
        ...(seeThrough && { transparent }),
      }),
      framePixels(picture, map, dither ? ditherLevels(usualError) : 0, transparent),
    ];
    index++;
    done?.(picture);
    return concat(bytes);
  };

  const settle = (): Uint8Array[] => {
    const chosen = (shared = choose(held));
    const bytes = held.map((picture) => write(picture, chosen));
    held = [];
    return bytes;
  };

  return {
    add(picture) {
      if (palette === 'frame') return [write(picture, choose([picture]))];
      if (!shared) {
        held.push(picture);
        heldBytes += picture.data.byteLength;
        return held.length >= samplePictures || heldBytes >= sampleBytes ? settle() : [];
      }
      // What comes later may look different (another day, another place); then colours are chosen anew, unless the
      // first ones fit again.
      const most = Math.max(head!.usualError * 2, tolerableError);
      if (shared.map.error(picture) > most) shared = head!.map.error(picture) <= most ? head! : choose([picture]);
      return [write(picture, shared)];
    },
    end() {
      const rest = held.length ? settle() : [];
      if (index === 0) return [];
      return [...rest, gifEnd()];
    },
  };
}
