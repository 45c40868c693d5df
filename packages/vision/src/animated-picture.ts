// Reads pictures that move, GIF, WebP and PNG, frame by frame.

import { InputError, tensor, type Raster } from '@deepearth/core';
import type { Sharp, SharpOptions } from 'sharp';
import { gifFrames } from './gif-frames.ts';
import { pngCanvas } from './png-canvas.ts';
import { pngFrames } from './png-frames.ts';
import { webpFrames } from './webp-frames.ts';

/** A picture that moves. */
export interface AnimatedPicture {
  readonly format: 'gif' | 'webp' | 'png';
  readonly width: number;
  readonly height: number;
  /** How long each frame is shown, in seconds. */
  readonly durations: readonly number[];
  /**
   * Frames that the header promises and the file does not hold; `null` where the file is cut and does not say of how
   * many.
   */
  readonly missing: number | null;
  /**
   * The frames from a position on, `[height, width, 3]`, as they are shown: put on what is below them. Pixels without
   * any opacity are those without data. Throws an `InputError` for a frame that cannot be decoded.
   */
  frames(from?: number, signal?: AbortSignal): AsyncGenerator<Raster>;
}

/** Which pictures are refused, and how errors call one. */
export interface AnimatedPictureOptions {
  readonly name: string;
  readonly maxPixels: number;
}

/** Decoded pixels that are held at once. */
const mostBytes = 32 * 2 ** 20;

/** What bytes begin as, of the formats that can move; whether a PNG moves shows only in its chunks. */
export function animationFormat(start: Uint8Array): AnimatedPicture['format'] | undefined {
  const text = String.fromCharCode(...start.subarray(0, 16));
  if (/^GIF8[79]a/.test(text)) return 'gif';
  if (/^RIFF[^]{4}WEBP/.test(text)) return 'webp';
  return text.startsWith('\x89PNG\r\n\x1a\n') ? 'png' : undefined;
}

/**
 * Opens the bytes of a GIF, WebP or PNG. Throws an `InputError` for one that has no whole frame, does not move (a WebP,
 * a PNG) or has more pixels than are allowed.
 */
export function openAnimatedPicture(bytes: Uint8Array, { name, maxPixels }: AnimatedPictureOptions): AnimatedPicture {
  const format = animationFormat(bytes);
  const found = format === 'gif' ? ofGif(bytes) : format === 'webp' ? webpFrames(bytes) : undefined;
  const png = format === 'png' ? pngFrames(bytes) : undefined;
  const { width, height } = found ?? png ?? { width: 0, height: 0 };
  const durations = found?.durations ?? png?.frames.map(({ durationSeconds }) => durationSeconds) ?? [];
  if (format === undefined || (!found && !png))
    throw new InputError(name, 'is no picture that moves: it has a single frame.', {
      code: 'E_NO_VIDEO',
      remedy: 'Read single pictures with source/frames.',
    });
  if (durations.length === 0 || width * height === 0)
    throw new InputError(name, `begins as a ${format.toUpperCase()} and has no whole frame.`, {
      code: 'E_VIDEO_UNREADABLE',
      remedy: 'Copy it again, or leave it out.',
    });
  if (width * height > maxPixels)
    throw new InputError(name, `has ${width} x ${height} = ${width * height} pixels, the limit is ${maxPixels}.`, {
      code: 'E_PICTURE_TOO_LARGE',
      remedy: `If you trust the file, raise the limit with \`maxPixels: ${width * height}\`.`,
    });
  const missing = png ? Math.max(0, png.promised - durations.length) : found?.cut ? null : 0;
  const decode = png ? pngCanvas(png, decodeRgba) : libvipsFrames(bytes, width, height, durations.length);
  return {
    format,
    width,
    height,
    durations,
    missing,
    async *frames(from = 0, signal) {
      let number = from;
      try {
        for await (const rgba of decode(from)) {
          signal?.throwIfAborted();
          yield rasterOf(rgba, width, height);
          number++;
        }
      } catch (cause) {
        if (cause instanceof InputError || signal?.aborted) throw cause;
        const reason = cause instanceof Error ? cause.message.split('\n')[0]! : String(cause);
        throw new InputError(name, `frame ${number} cannot be decoded (${reason}).`, {
          code: 'E_FRAME_UNREADABLE',
          cause,
          remedy: 'Copy the file again, or leave it out.',
        });
      }
    },
  };
}

function ofGif(bytes: Uint8Array) {
  if (bytes.length < 13) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { width: view.getUint16(6, true), height: view.getUint16(8, true), ...gifFrames(bytes) };
}

let loaded: Promise<(bytes: Uint8Array, options: SharpOptions) => Sharp> | undefined;

/** `ignoreIcc`: the stored numbers, as of other pictures. */
const open = async (bytes: Uint8Array, options: SharpOptions = {}): Promise<Sharp> =>
  (
    await (loaded ??= import('sharp').then(({ default: sharp }) => {
      sharp.cache(false);
      return (input, options) => sharp(input, { limitInputPixels: false, ignoreIcc: true, ...options });
    }))
  )(bytes, options);

/** Red, green, blue and opacity of 8 bits each. */
async function decodeRgba(bytes: Uint8Array, options?: SharpOptions): Promise<Uint8Array> {
  const opened = await open(bytes, options);
  return opened.toColourspace('srgb').ensureAlpha().raw({ depth: 'uchar' }).toBuffer();
}

/**
 * Frames as libvips puts them together. It begins with the first frame for every call, so as many as memory has room
 * for are taken in one.
 */
function libvipsFrames(bytes: Uint8Array, width: number, height: number, count: number) {
  const size = width * height * 4;
  const together = Math.max(1, Math.floor(mostBytes / size));
  return async function* (from: number): AsyncGenerator<Uint8Array> {
    for (let page = from; page < count; page += together) {
      const pages = Math.min(together, count - page);
      const all = await decodeRgba(bytes, { page, pages, failOn: 'error' });
      for (let i = 0; i < pages; i++) yield all.subarray(i * size, (i + 1) * size);
    }
  };
}

/** Red, green and blue; where there is no opacity there is no data. */
function rasterOf(rgba: Uint8Array, width: number, height: number): Raster {
  const rgb = new Uint8Array(width * height * 3);
  const valid = new Uint8Array(width * height);
  let all = true;
  for (let i = 0, at = 0, to = 0; i < valid.length; i++, at += 4) {
    rgb[to++] = rgba[at]!;
    rgb[to++] = rgba[at + 1]!;
    rgb[to++] = rgba[at + 2]!;
    const shown = rgba[at + 3]! > 0;
    valid[i] = shown ? 1 : 0;
    all &&= shown;
  }
  const values = tensor('uint8', [height, width, 3], rgb);
  return { values, channels: ['red', 'green', 'blue'], ...(!all && { valid }) };
}
