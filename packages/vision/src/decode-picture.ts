// Decodes a picture file to red, green and blue.

import { InputError, tensor, type Raster } from '@deepearth/core';
import { checkWindow, overviewRaster, partOfRaster, type PartOptions } from '@deepearth/core/raster-part';
import { extraText, withoutPadding } from './jpeg-oddities.ts';
import { checkDeflated } from './tiff-checksums.ts';
import { stretchRaster } from './stretch.ts';
import {
  damaged,
  ofTiffAlone,
  openPicture,
  type PictureFile,
  type PictureFileOptions,
  type TiffDepth,
} from './picture-file.ts';

export interface DecodeOptions extends PartOptions, Pick<PictureFileOptions, 'remedy'> {
  /**
   * Keep values of more than 8 bits. Otherwise 16-bit ones become 8-bit by `round(value / 257)`, and of others 0 to the
   * largest of their type (1 for floats) becomes 0 to 255.
   */
  readonly keep16?: boolean | undefined;
  /**
   * Which bands are shown as red, green and blue, or the one that is shown as grey: numbers from 1, or names that the
   * file gives them. Default: the first three (the first, where there are fewer than three), opacity left out.
   */
  readonly bands?: readonly (number | string)[] | undefined;
}

/**
 * Decodes to `[height, width, 3]`, red, green, blue: upright (EXIF), grey repeated, values as stored (an embedded
 * colour profile is not applied, and colours under an opacity are not blended with anything; cyan, magenta, yellow and
 * black become colours by plain conversion, as in Pillow). Pixels whose opacity is 0 are those without data, unless
 * `bands` asks for the opacity as a colour; in a TIFF without one, those that hold GDAL's no-data value in all bands
 * shown. With `window`, the same pixels as of the whole picture, but no more of it is decoded than the format allows.
 * Throws an `InputError` naming the file when it is damaged or lacks a band, a `RangeError` for a window that leaves
 * the picture.
 */
export async function decodePicture(file: PictureFile, options: DecodeOptions = {}): Promise<Raster> {
  const { window, overview = 1, remedy } = options;
  if (window) checkWindow(window, file.width, file.height);
  const bands = chosenBands(file, options.bands);
  const decoding: Decoding = { keep16: options.keep16 ?? false, bands };
  const asked = options.bands ? withoutOpacity(file, bands) : file;
  try {
    // A picture that is turned is decoded whole: its rows are the columns of the window, or run the other way.
    if (window && !file.upright) return partOfRaster(await decode(asked, decoding), options);
    return overviewRaster(await decode(asked, decoding, window), overview);
  } catch (cause) {
    throw cause instanceof RangeError || cause instanceof InputError
      ? cause
      : damaged(file.name, file.bytes, cause, remedy);
  }
}

interface Decoding {
  readonly keep16: boolean;
  /** From 0. */
  readonly bands: readonly [red: number, green: number, blue: number];
}

/** The bands that become red, green and blue, from 0. */
function chosenBands(
  { name, bands, bandNames, opacity, space }: PictureFile,
  wanted: DecodeOptions['bands'],
): Decoding['bands'] {
  if (!wanted) {
    const [red = 0, green, blue] = Array.from({ length: Math.min(bands, 4) }, (_, i) => i).filter((i) => i !== opacity);
    return green === undefined || blue === undefined ? [red, red, red] : [red, green, blue];
  }
  const cmyk = space === 'cmyk';
  const chosen = wanted.map((band) => {
    const index = typeof band === 'number' ? band - 1 : bandNames.indexOf(band);
    if (index >= 0 && index < bands && !cmyk) return index;
    const named = bandNames.filter((each) => each !== undefined);
    throw new InputError(
      name,
      cmyk
        ? 'has cyan, magenta, yellow and black, and no bands to choose from.'
        : `has no band ${JSON.stringify(band)}; it has ${bands}${named.length ? `: ${named.join(', ')}` : ''}.`,
      {
        code: 'E_BANDS',
        remedy: cmyk ? 'Leave `bands` out.' : 'Choose `bands` by number from 1, or by a name that the file gives them.',
      },
    );
  });
  const [red, green = red, blue = red] = chosen as [number, number?, number?];
  return [red, green, blue];
}

/**
 * A band that is to be shown as a colour is no opacity, whatever the file says: GDAL calls any fourth band of 8 bits
 * one.
 */
function withoutOpacity({ opacity, ...file }: PictureFile, shown: Decoding['bands']): PictureFile {
  return { ...file, ...(opacity !== undefined && !shown.includes(opacity) && { opacity }) };
}

/** Decodes, and once more without the padding of a JPEG that libjpeg takes for a scan that ended too early. */
async function decode(file: PictureFile, decoding: Decoding, window?: PartOptions['window']): Promise<Raster> {
  try {
    return await decodeBytes(file, decoding, window);
  } catch (cause) {
    const clean = file.failOn === 'warning' ? withoutPadding(file.given, cause) : undefined;
    if (!clean) throw cause;
    const raster = await decodeBytes({ ...file, given: clean.bytes }, decoding, window);
    const oddity = extraText(clean.extra);
    if (!file.oddities.includes(oddity)) file.oddities.push(oddity);
    return raster;
  }
}

async function decodeBytes(file: PictureFile, decoding: Decoding, window?: PartOptions['window']): Promise<Raster> {
  const { keep16, bands } = decoding;
  const { depth } = file;
  if (ofTiffAlone(depth)) {
    const { decodeTiff } = await import('./decode-tiff.ts');
    const stored = await decodeTiff(file, depth, bands, window);
    return keep16 ? stored : stretchRaster(stored, [0, largestOf[depth]]);
  }
  const wide = depth === 'uint16';
  const opened = await openPicture(file.given, file.libvipsPage, file.failOn);
  const upright = window
    ? opened.extract({ left: window.x, top: window.y, width: window.width, height: window.height })
    : opened.autoOrient();
  // libvips would convert inks with a profile of its own, and knows no way from mere bands to colours.
  const kept = { cmyk: 'cmyk', bands: 'multiband', colours: undefined }[file.space];
  const colours = kept
    ? upright.pipelineColourspace(kept).toColourspace(kept)
    : upright.toColourspace(wide ? 'rgb16' : 'srgb');
  const [{ data, info }] = await Promise.all([
    colours.raw({ depth: wide ? 'ushort' : 'uchar' }).toBuffer({ resolveWithObject: true }),
    file.format === 'tiff' ? checkDeflated(file, window) : undefined,
  ]);
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  // Buffers may be pooled: 16-bit views need an aligned start.
  const aligned = wide && bytes.byteOffset % 2 ? bytes.slice() : bytes;
  const values = wide ? new Uint16Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 2) : bytes;
  const most = wide ? 65_535 : 255;
  const { height, width, channels } = info;
  if (file.inverted) for (let i = 0; i < values.length; i += channels) values[i] = most - values[i]!;
  // Grey has become three channels, with the other bands behind them.
  const channelOf = (band: number): number =>
    channels === file.bands || band === 0 ? band : band + channels - file.bands;
  const [red, green, blue] = bands.map(channelOf) as [number, number, number];
  const convert = wide && !keep16 ? to8Bits : undefined;
  const asStored = channels === 3 && red === 0 && green === 1 && blue === 2;
  const out = (): Uint8Array | Uint16Array => new (wide && keep16 ? Uint16Array : Uint8Array)(width * height * 3);
  const rgb =
    kept === 'cmyk'
      ? fromInks(values, channels, most, out(), convert)
      : asStored && !convert
        ? values
        : pick(values, channels, [red, green, blue], out(), convert);
  const valid =
    file.opacity !== undefined
      ? opaque(values, channels, channelOf(file.opacity))
      : Number.isNaN(file.noData) || kept === 'cmyk'
        ? undefined
        : holding(values, channels, [red, green, blue], file.noData);
  const shape = [height, width, 3];
  return {
    values: rgb instanceof Uint16Array ? tensor('uint16', shape, rgb) : tensor('uint8', shape, rgb),
    channels: ['red', 'green', 'blue'],
    ...(valid && { valid }),
  };
}

/** What becomes white where nobody says a range. */
const largestOf: Readonly<Record<TiffDepth, number>> = {
  int16: 2 ** 15 - 1,
  uint32: 2 ** 32 - 1,
  int32: 2 ** 31 - 1,
  float32: 1,
  float64: 1,
};

const to8Bits = (value: number): number => Math.round(value / 257);
const same = (value: number): number => value;

/** 1 where the opacity is above 0; `undefined` when it is everywhere. */
const opaque = (values: ArrayLike<number>, channels: number, opacity: number): Uint8Array | undefined =>
  where(values.length / channels, (pixel) => values[pixel * channels + opacity]! > 0);

/**
 * 1 where one of the bands that are shown is not the value that means no data; `undefined` when it is so everywhere.
 */
const holding = (
  values: ArrayLike<number>,
  channels: number,
  bands: Decoding['bands'],
  noData: number,
): Uint8Array | undefined =>
  where(values.length / channels, (pixel) => bands.some((band) => values[pixel * channels + band] !== noData));

/** 1 where a pixel holds data; `undefined` when all do. */
function where(pixels: number, holds: (pixel: number) => boolean): Uint8Array | undefined {
  const valid = new Uint8Array(pixels);
  let all = true;
  for (let pixel = 0; pixel < pixels; pixel++) {
    const on = holds(pixel);
    valid[pixel] = on ? 1 : 0;
    all &&= on;
  }
  return all ? undefined : valid;
}

function pick(
  values: ArrayLike<number>,
  channels: number,
  [red, green, blue]: Decoding['bands'],
  out: Uint8Array | Uint16Array,
  convert = same,
): Uint8Array | Uint16Array {
  for (let i = 0, at = 0; i < out.length; at += channels) {
    out[i++] = convert(values[at + red]!);
    out[i++] = convert(values[at + green]!);
    out[i++] = convert(values[at + blue]!);
  }
  return out;
}

/** Cyan, magenta, yellow and black to colours: what the inks leave over, as in Pillow's Convert.c. */
function fromInks(
  values: ArrayLike<number>,
  channels: number,
  most: number,
  out: Uint8Array | Uint16Array,
  convert = same,
): Uint8Array | Uint16Array {
  for (let i = 0, at = 0; i < out.length; at += channels) {
    const light = most - values[at + 3]!;
    for (let ink = 0; ink < 3; ink++) out[i++] = convert(light - Math.round((values[at + ink]! * light) / most));
  }
  return out;
}
