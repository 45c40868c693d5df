// Writes the frames of one GIF piece by piece, with colours shared by all frames as long as they fit.

import type { Encoder } from 'gifenc';
import { choosePalette, paletteMap, type PaletteMap, type Pixels } from './palette.ts';

export interface GifOptions {
  readonly fps: number;
  readonly loop: boolean;
  readonly colors: number;
  readonly palette: 'shared' | 'frame';
  readonly dither: boolean;
}

export interface GifPicture extends Pixels {
  readonly width: number;
  readonly height: number;
}

/** Pictures the shared palette is chosen from: the first so many, or as many as fit into `sampleBytes`. */
const samplePictures = 48;
const sampleBytes = 48 * 2 ** 20;

/**
 * The delay of frame `index`, in hundredths of a second, GIF's unit. Rounding errors are carried along, so that `n` frames
 * last `n / fps` seconds to within half a hundredth: 12 frames a second are 8, 9, 8, 8, 9, 8, … and not always 8.
 */
export const delayOf = (index: number, fps: number): number => Math.round(((index + 1) * 100) / fps) - Math.round((index * 100) / fps);

/** Takes pictures of one size and yields the bytes of the file. Holds a few dozen pictures until its palette is chosen, afterwards one. */
export async function* gifBytes(pictures: AsyncIterable<GifPicture>, options: GifOptions): AsyncGenerator<Uint8Array> {
  const { default: gifenc } = await import('gifenc');
  const { GIFEncoder, quantize } = gifenc;
  const encoder: Encoder = GIFEncoder({ initialCapacity: 1 << 16 });
  let shared: PaletteMap | undefined;
  let usualError = 0;
  let index = 0;

  const flush = (): Uint8Array => {
    const bytes = encoder.bytes();
    encoder.stream.reset();
    return bytes;
  };
  const choose = (sample: readonly GifPicture[]): PaletteMap => paletteMap(choosePalette(sample, options.colors - (sample[0]!.channels === 4 ? 1 : 0), quantize));
  const write = (picture: GifPicture, map: PaletteMap, own: boolean): Uint8Array => {
    const transparent = map.palette.length;
    const clear = picture.channels === 4;
    const numbers = map.apply(picture, picture.width, options.dither ? ditherStrength : 0, transparent);
    const palette = clear ? [...map.palette, [0, 0, 0]] : map.palette;
    // The file's first palette is the common one; a frame names a palette only when it differs.
    encoder.writeFrame(numbers, picture.width, picture.height, {
      delay: delayOf(index, options.fps) * 10,
      repeat: options.loop ? 0 : -1,
      ...((index === 0 || own) && { palette }),
      ...(clear && { transparent: true, transparentIndex: transparent }),
    });
    index++;
    return flush();
  };

  let held: GifPicture[] = [];
  let heldBytes = 0;
  // The palette that stands at the head of the file; later ones are repeated with each frame that uses them.
  let head: PaletteMap | undefined;
  const settle = function* (): Generator<Uint8Array> {
    shared = head = choose(held);
    usualError = held.reduce((sum, picture) => sum + shared!.error(picture), 0) / held.length;
    for (const picture of held) yield write(picture, shared, false);
    held = [];
  };

  for await (const picture of pictures) {
    if (options.palette === 'frame') {
      yield write(picture, choose([picture]), true);
    } else if (!shared) {
      held.push(picture);
      heldBytes += picture.data.byteLength;
      if (held.length >= samplePictures || heldBytes >= sampleBytes) yield* settle();
    } else {
      // What comes later may look different (another day, another place); then the palette is chosen anew.
      if (shared.error(picture) > usualError * 2 + 16) {
        shared = choose([picture]);
        usualError = shared.error(picture);
      }
      yield write(picture, shared, shared !== head);
    }
  }
  if (held.length) yield* settle();
  if (index > 0) {
    encoder.finish();
    yield flush();
  }
}

/** Levels that thresholds spread over: about the distance between neighbouring colours of a 256-colour palette. */
const ditherStrength = 14;
