// Decodes a picture file to red, green and blue.

import { tensor, type Raster } from '@deepearth/core';
import { checkWindow, overviewRaster, partOfRaster, type PartOptions } from '@deepearth/core/raster-part';
import { damaged, openPicture, type PictureFile, type PictureFileOptions } from './picture-file.ts';

export interface DecodeOptions extends PartOptions, Pick<PictureFileOptions, 'remedy'> {
  /** Keep 16-bit values; otherwise they become 8-bit by `round(value / 257)`. */
  readonly keep16?: boolean | undefined;
}

/**
 * Decodes to `[height, width, 3]`, red, green, blue: upright (EXIF), grey repeated, values as stored (an embedded
 * colour profile is not applied, and colours under an opacity are not blended with anything). Pixels whose opacity is 0
 * are those without data. With `window`, the same pixels as of the whole picture, but no more of it is decoded than the
 * format allows. Throws an `InputError` naming the file when it is damaged, a `RangeError` for a window that leaves the
 * picture.
 */
export async function decodePicture(file: PictureFile, options: DecodeOptions = {}): Promise<Raster> {
  const { keep16 = false, window, overview = 1, remedy } = options;
  if (window) checkWindow(window, file.width, file.height);
  try {
    // A picture that is turned is decoded whole: its rows are the columns of the window, or run the other way.
    if (window && !file.upright) return partOfRaster(await decode(file, keep16), options);
    return overviewRaster(await decode(file, keep16, window), overview);
  } catch (cause) {
    throw cause instanceof RangeError ? cause : damaged(file.name, file.bytes, cause, remedy);
  }
}

async function decode(file: PictureFile, keep16: boolean, window?: PartOptions['window']): Promise<Raster> {
  const wide = file.depth === 'uint16';
  const opened = await openPicture(file.bytes);
  const upright = window
    ? opened.extract({ left: window.x, top: window.y, width: window.width, height: window.height })
    : opened.autoOrient();
  const raw = wide
    ? upright.toColourspace('rgb16').raw({ depth: 'ushort' })
    : upright.toColourspace('srgb').raw({ depth: 'uchar' });
  const { data, info } = await raw.toBuffer({ resolveWithObject: true });
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  // Buffers may be pooled: 16-bit views need an aligned start.
  const aligned = wide && bytes.byteOffset % 2 ? bytes.slice() : bytes;
  const values = wide ? new Uint16Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 2) : bytes;
  const { height, width, channels } = info;
  const valid = file.hasAlpha ? opaque(values, channels) : undefined;
  const rgb =
    wide && !keep16
      ? toColours(values, channels, new Uint8Array(width * height * 3), (v) => Math.round(v / 257))
      : channels === 3
        ? values
        : toColours(values, channels, new (wide ? Uint16Array : Uint8Array)(width * height * 3));
  const shape = [height, width, 3];
  return {
    values: rgb instanceof Uint16Array ? tensor('uint16', shape, rgb) : tensor('uint8', shape, rgb),
    channels: ['red', 'green', 'blue'],
    ...(valid && { valid }),
  };
}

/** 1 where the last channel is above 0; `undefined` when it is everywhere. */
function opaque(values: ArrayLike<number>, channels: number): Uint8Array | undefined {
  const valid = new Uint8Array(values.length / channels);
  let all = true;
  for (let i = 0; i < valid.length; i++) {
    const on = values[i * channels + channels - 1]! > 0;
    valid[i] = on ? 1 : 0;
    all &&= on;
  }
  return all ? undefined : valid;
}

function toColours<T extends Uint8Array | Uint16Array>(
  values: ArrayLike<number>,
  channels: number,
  out: T,
  convert: (value: number) => number = (v) => v,
): T {
  const grey = channels < 3;
  for (let i = 0, pixel = 0; pixel < out.length / 3; pixel++) {
    for (let c = 0; c < 3; c++) out[i++] = convert(values[pixel * channels + (grey ? 0 : c)]!);
  }
  return out;
}
