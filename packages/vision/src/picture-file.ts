// Opens one picture file: its bytes, and what its header says.

import { InputError } from '@deepearth/core';
import { fileError, fileTrouble } from '@deepearth/core/file-trouble';
import { openRegularFile } from '@deepearth/core/regular-file';
import type { Metadata, Sharp } from 'sharp';
import { extraText, harmlessWarning, withoutExtraBytes } from './jpeg-oddities.ts';
import { commonKind, refusedKind } from './picture-kind.ts';
import { pngAnimation } from './png-animation.ts';
import { refusedColours, tiffBands } from './tiff-bands.ts';
import { tiffPages, type TiffPage } from './tiff-header.ts';

/** Types that libvips does not hand out as they are stored; a TIFF alone has them. */
export type TiffDepth = 'int16' | 'uint32' | 'int32' | 'float32' | 'float64';

/** The bytes of a picture file and what its header says; the pixels are decoded from these bytes. */
export interface PictureFile {
  /** Its path, or how errors call it. */
  readonly name: string;
  readonly bytes: Uint8Array;
  /** What libvips is given for them: see `tiffBands`. */
  readonly given: Uint8Array;
  /** As sharp calls it: "png", "jpeg", "webp", "tiff", "heif" (AVIF, too), … */
  readonly format: string;
  /** Upright, after the EXIF orientation. */
  readonly width: number;
  readonly height: number;
  /** Whether the pixels are stored the way they are shown, so that no EXIF orientation turns them. */
  readonly upright: boolean;
  /** Pictures in the file, without thumbnails, overviews and masks. */
  readonly pages: number;
  /** Which of them this is, from 0. */
  readonly page: number;
  /** The same for libvips, which counts thumbnails and masks too. */
  readonly libvipsPage: number;
  readonly depth: 'uint8' | 'uint16' | TiffDepth;
  /**
   * What the bands are: colours that libvips brings to red, green and blue, inks, or bands that stand for themselves.
   */
  readonly space: 'colours' | 'cmyk' | 'bands';
  /** Whether white is 0 in bands that stand for themselves. */
  readonly inverted: boolean;
  /** Bands of a pixel, with that of the opacity. */
  readonly bands: number;
  /** Names that the file gives its bands, by position. */
  readonly bandNames: readonly (string | undefined)[];
  /** Which band is the opacity, from 0. A further band is one only where the file says so. */
  readonly opacity?: number;
  /** The value that a TIFF calls no data; NaN where there is none. */
  readonly noData: number;
  /** What is odd about the file and changes no pixel, a phrase each; decoding may find more and add it. */
  readonly oddities: string[];
  /** What ends the decoding of its pixels. */
  readonly failOn: FailOn;
}

/**
 * libjpeg calls it a warning where a scan is damaged; the warnings of other formats are of tags that nobody needs.
 */
export type FailOn = 'warning' | 'error';

/** How a picture file is decoded, and which are refused. */
export interface PictureFileOptions {
  /**
   * Pictures of more pixels are refused before they are decoded: a small file can hold a very large picture. Default
   * 2^28, 16,384 x 16,384.
   */
  readonly maxPixels?: number | undefined;
  /** Which picture of the file, from 0. */
  readonly page?: number | undefined;
  /** How errors call a picture that is given as bytes. */
  readonly name?: string | undefined;
  /** What errors say to do about a file that cannot be read. */
  readonly remedy?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Pixels only: drawings and documents (SVG, PDF) have no size of their own and may point to other files. */
const pictureFormats: ReadonlySet<string> = new Set([
  'png',
  'jpeg',
  'webp',
  'tiff',
  'gif',
  'heif',
  'avif',
  'jp2',
  'jxl',
  'ppm',
  'fits',
]);

/** Types of values, by what libvips calls them. */
const types: Readonly<Partial<Record<string, PictureFile['depth']>>> = {
  uchar: 'uint8',
  ushort: 'uint16',
  short: 'int16',
  uint: 'uint32',
  int: 'int32',
  float: 'float32',
  double: 'float64',
};

/** What libvips calls otherwise than everybody else. */
const typeNames: Readonly<Partial<Record<string, string>>> = {
  char: 'int8',
  complex: 'complex64',
  dpcomplex: 'complex128',
};

/** Whether a type is one of those that libvips does not hand out. */
export const ofTiffAlone = (depth: PictureFile['depth']): depth is TiffDepth => depth !== 'uint8' && depth !== 'uint16';

/** Hyperspectral cameras have a few hundred. */
export const maxBands = 4096;

/** Files above this are not read into memory; no 16,384 x 16,384 picture comes near it. */
const maxFileBytes = 2 ** 30;

/**
 * Reads a file (or takes the bytes of one) and its header. Throws an `InputError` that names the file when it is
 * missing, empty, no picture, of a kind that cannot be read, or too large.
 */
export async function readPictureFile(
  source: string | Uint8Array,
  { maxPixels = 2 ** 28, page = 0, name, remedy, signal }: PictureFileOptions = {},
): Promise<PictureFile> {
  const subject = name ?? (typeof source === 'string' ? source : 'picture');
  const bytes = typeof source === 'string' ? await readBytes(source, subject, remedy, signal) : source;
  if (bytes.length === 0) throw unreadable(subject, 'is empty (0 bytes).', { remedy });
  const refused = refusedKind(bytes, typeof source === 'string' ? source : undefined);
  if (refused?.known)
    throw new InputError(subject, `is not read as a picture: ${refused.finding}.`, {
      code: 'E_PICTURE_KIND',
      remedy: 'Convert it to PNG, JPEG, WebP, TIFF or AVIF first.',
    });
  if (refused) throw unreadable(subject, `cannot be read as a picture: ${refused.finding}.`, { remedy });
  const tiff = await tiffPages((offset, length) => bytes.subarray(offset, offset + length));
  if (tiff && page >= tiff.length) throw noPage(subject, page, tiff.length);
  const directory = tiff?.[page];
  const refusedAs = directory && refusedColours(directory);
  if (refusedAs)
    throw new InputError(subject, `holds ${refusedAs}, which are not read.`, {
      code: 'E_PICTURE_KIND',
      remedy: 'Convert it to RGB first.',
    });
  const { bytes: given, inverted } = tiffBands(bytes, directory);
  const libvipsPage = directory?.page ?? page;
  const jpeg = withoutExtraBytes(bytes);
  const moving = pngAnimation(bytes);
  const oddities = [
    ...(jpeg?.extra ? [extraText(jpeg.extra)] : []),
    ...(moving > 1
      ? [`an animation of ${moving} pictures, of which the first is read; source/video reads them all`]
      : []),
  ];
  let failOn: FailOn = jpeg ? 'warning' : 'error';
  let about: About;
  try {
    if (!tiff && page > 0) {
      const { pages = 1 } = await (await openPicture(given, 0, failOn)).metadata();
      if (page >= pages) throw noPage(subject, page, pages);
    }
    about =
      longTiff(directory) ??
      (await (await openPicture(given, libvipsPage, failOn)).metadata().catch(async (cause: unknown) => {
        const warning = harmlessWarning(cause);
        if (warning === undefined) throw cause;
        oddities.push(warning);
        failOn = 'error';
        return (await openPicture(given, libvipsPage, failOn)).metadata();
      }));
  } catch (cause) {
    if (cause instanceof InputError) throw cause;
    throw damaged(subject, bytes, cause, remedy);
  }
  const { format, depth, orientation = 1 } = about;
  const { width, height } = about.autoOrient;
  if (!pictureFormats.has(format))
    throw new InputError(subject, `a file of the format ${JSON.stringify(format)} is no picture.`, {
      code: 'E_PICTURE_KIND',
      remedy: `Pictures are ${[...pictureFormats].join(', ')}.`,
    });
  if (width * height > maxPixels)
    throw new InputError(subject, `has ${width} x ${height} = ${width * height} pixels, the limit is ${maxPixels}.`, {
      code: 'E_PICTURE_TOO_LARGE',
      remedy: `If you trust the file, raise the limit with \`maxPixels: ${width * height}\`.`,
    });
  const type = types[depth];
  if (!type || (ofTiffAlone(type) && (!tiff || orientation !== 1)))
    throw new InputError(
      subject,
      `holds ${typeNames[depth] ?? depth} values; pictures have 8 or 16 bits per channel, or 32-bit numbers or floats in a TIFF that is stored upright.`,
      {
        code: 'E_PICTURE_KIND',
        remedy: 'Bring it to 8 or 16 bits, or to 32-bit floats, first.',
      },
    );
  return {
    name: subject,
    bytes,
    given,
    format,
    width,
    height,
    upright: orientation === 1,
    pages: tiff?.length ?? about.pages ?? 1,
    page,
    libvipsPage,
    depth: type,
    space: about.space === 'cmyk' ? 'cmyk' : about.space === 'multiband' ? 'bands' : 'colours',
    inverted,
    bands: about.channels,
    bandNames: directory?.bandNames ?? [],
    noData: directory?.noData ?? NaN,
    oddities,
    failOn,
    ...opacityOf(about, directory),
  };
}

/** What is needed of libvips' metadata. */
type About = Pick<Metadata, 'channels' | 'hasAlpha' | 'orientation' | 'space' | 'pages' | 'autoOrient'> & {
  readonly format: string;
  readonly depth: string;
};

/** The same of a TIFF of 64 bits, which libvips does not open. */
function longTiff(directory: TiffPage | undefined): About | undefined {
  if (!directory?.long) return undefined;
  const { long, width, height, orientation, bands } = directory;
  return {
    format: 'tiff',
    depth: long === 'float64' ? 'double' : long,
    channels: bands as Metadata['channels'],
    hasAlpha: false,
    orientation,
    space: 'b-w',
    autoOrient: { width, height },
  };
}

/** libvips takes any further band for opacity; a TIFF has to say so. */
function opacityOf({ channels, hasAlpha }: About, tiff: TiffPage | undefined): { readonly opacity?: number } {
  if (!tiff) return hasAlpha ? { opacity: channels - 1 } : {};
  const extra = tiff.extraSamples.findIndex((kind) => kind === 1 || kind === 2);
  const opacity = tiff.bands - tiff.extraSamples.length + extra;
  return extra >= 0 && opacity >= 0 && opacity < channels ? { opacity } : {};
}

const noPage = (subject: string, page: number, pages: number): InputError =>
  new InputError(subject, `has no page ${page}; it has ${pages}, counted from 0.`, { code: 'E_PAGE' });

async function readBytes(
  path: string,
  subject: string,
  remedy: string | undefined,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  try {
    const file = await openRegularFile(path, subject);
    try {
      const { size } = await file.stat();
      if (size > maxFileBytes)
        throw new InputError(subject, `has ${size} bytes, the limit is ${maxFileBytes}.`, {
          code: 'E_PICTURE_TOO_LARGE',
          remedy: 'Cut it into smaller pictures.',
        });
      return await file.readFile(signal ? { signal } : {});
    } finally {
      await file.close();
    }
  } catch (cause) {
    if (cause instanceof InputError || signal?.aborted) throw cause;
    const code = (cause as NodeJS.ErrnoException).code;
    const finding =
      code === 'ENOENT'
        ? 'there is no such file (any more).'
        : (fileTrouble(cause)?.finding ?? `cannot be read (${code ?? String(cause)}).`);
    // Too many open files are no fault of the picture.
    if (fileTrouble(cause)?.code === 'E_SYSTEM_LIMIT') throw fileError(cause, path);
    throw unreadable(subject, finding, { cause, remedy });
  }
}

let loaded: Promise<(bytes: Uint8Array, page: number, failOn: FailOn) => Sharp> | undefined;

/**
 * Opens a page of the bytes of a picture. From bytes: libvips keeps what it read by file name, and the file may be
 * another one by now; its cache is then only memory, and is turned off.
 */
export const openPicture = async (bytes: Uint8Array, page: number, failOn: FailOn): Promise<Sharp> =>
  (
    await (loaded ??= import('sharp').then(({ default: sharp }) => {
      sharp.cache(false);
      // The pixel limit is our own (it names the option); libvips would refuse without saying how to go on.
      // `ignoreIcc`: Pillow and OpenCV hand out the stored numbers, which the models were trained on.
      // Pictures of many bands are read too; which of them are wanted is decided here.
      return (input, page, failOn) =>
        sharp(input, { page, failOn, limitInputPixels: false, limitInputChannels: maxBands, ignoreIcc: true });
    }))
  )(withoutExtraBytes(bytes)?.bytes ?? bytes, page, failOn);

/** How libvips and libtiff say that they lack a way to read a file, which is whole. */
const notBuiltIn = /not configured|not supported|not a whole number of bytes|not implemented/;

/** The error for bytes that sharp refuses: what they begin as, and its reason. */
export function damaged(name: string, bytes: Uint8Array, cause: unknown, remedy: string | undefined): InputError {
  const format = commonKind(bytes);
  const reason = cause instanceof Error ? cause.message.split('\n')[0]! : String(cause);
  if (format === 'TIFF' && notBuiltIn.test(reason))
    return new InputError(name, `is a TIFF of a kind that is not read as a picture (${reason}).`, {
      code: 'E_PICTURE_KIND',
      cause,
      remedy:
        'Read it with `source/geotiff`, or write it again with deflate compression, 8 or 16 bits and bands together.',
    });
  const finding = format
    ? `it begins as a ${format} but is damaged or cut short (${reason})`
    : `it does not begin as a PNG, JPEG, WebP, TIFF or AVIF (${reason})`;
  return unreadable(name, `cannot be read as a picture: ${finding}.`, { cause, remedy });
}

const unreadable = (
  name: string,
  finding: string,
  { cause, remedy = 'Copy it again, or leave it out.' }: { cause?: unknown; remedy: string | undefined },
): InputError => new InputError(name, finding, { code: 'E_FRAME_UNREADABLE', cause, remedy });
