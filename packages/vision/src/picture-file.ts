// Reads one picture file whole: its digest, its header, its pixels as 8-bit RGB.

import { readFile, stat } from 'node:fs/promises';
import { InputError, sha256, tensor, type Raster } from '@deepearth/core';
import type { Metadata, Sharp } from 'sharp';

/**
 * The bytes of a picture file and what its header says; the pixels are decoded from the same bytes that the digest is
 * of.
 */
export interface PictureFile {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly sha256: string;
  /** Upright, after the EXIF orientation. */
  readonly width: number;
  readonly height: number;
  /** Pictures or layers in the file; only the first is read. */
  readonly pages: number;
  readonly depth: 'uint8' | 'uint16';
  readonly channels: number;
  readonly hasAlpha: boolean;
}

/** Files above this are not read into memory; no 16,384 x 16,384 picture comes near it. */
const maxFileBytes = 2 ** 30;

const leaveOut = 'Copy it again or remove it; with `onError: skip` the run goes on without it.';

/**
 * Reads a file and its header. Throws an `InputError` that names the file when it is missing, empty, no picture, of a
 * kind that cannot be read, or too large.
 */
export async function readPictureFile(path: string, maxPixels: number, signal?: AbortSignal): Promise<PictureFile> {
  const bytes = await readBytes(path, signal);
  let about: Metadata;
  try {
    about = await (await open(bytes)).metadata();
  } catch (cause) {
    throw unreadable(path, bytes, cause);
  }
  const { width, height } = about.autoOrient;
  if (width * height > maxPixels) {
    throw new InputError(path, `has ${width} x ${height} = ${width * height} pixels, the limit is ${maxPixels}.`, {
      code: 'E_PICTURE_TOO_LARGE',
      remedy: `If you trust the file, raise the limit with \`maxPixels: ${width * height}\`.`,
    });
  }
  if (about.depth !== 'uchar' && about.depth !== 'ushort') {
    throw new InputError(path, `holds ${about.depth} values; pictures have 8 or 16 bits per channel.`, {
      code: 'E_PICTURE_KIND',
      remedy: 'Bring it to 8 or 16 bits first, or read it with a source for rasters.',
    });
  }
  return {
    path,
    bytes,
    width,
    height,
    sha256: sha256(bytes),
    pages: about.pages ?? 1,
    depth: about.depth === 'uchar' ? 'uint8' : 'uint16',
    channels: about.channels,
    hasAlpha: about.hasAlpha,
  };
}

/**
 * Decodes to `[height, width, 3]`, red, green, blue: upright (EXIF), grey repeated, values as stored (an embedded
 * colour profile is not applied, as Pillow and OpenCV do it, whose pixels the models were trained on). 16-bit values
 * become 8-bit by `round(v / 257)`, or stay as they are with `keep16`. Fully transparent pixels are those without data.
 * Throws an `InputError` naming the file when it is damaged.
 */
export async function decodePicture(file: PictureFile, keep16 = false): Promise<Raster> {
  const wide = file.depth === 'uint16';
  try {
    const pipeline = (await open(file.bytes)).autoOrient();
    const raw = wide
      ? pipeline.toColourspace('rgb16').raw({ depth: 'ushort' })
      : pipeline.toColourspace('srgb').raw({ depth: 'uchar' });
    const { data, info } = await raw.toBuffer({ resolveWithObject: true });
    // Buffers may be pooled: 16-bit views need an aligned start.
    const aligned = wide && data.byteOffset % 2 ? data.slice() : data;
    const values = wide
      ? new Uint16Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 2)
      : new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
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
  } catch (cause) {
    throw unreadable(file.path, file.bytes, cause);
  }
}

async function readBytes(path: string, signal: AbortSignal | undefined): Promise<Uint8Array> {
  try {
    const { size } = await stat(path);
    if (size === 0) throw new InputError(path, 'is empty (0 bytes).', { code: 'E_FRAME_UNREADABLE', remedy: leaveOut });
    if (size > maxFileBytes)
      throw new InputError(path, `has ${size} bytes, the limit is ${maxFileBytes}.`, {
        code: 'E_PICTURE_TOO_LARGE',
        remedy: 'Cut it into smaller pictures.',
      });
    return await readFile(path, { signal });
  } catch (cause) {
    if (cause instanceof InputError || signal?.aborted) throw cause;
    const code = (cause as NodeJS.ErrnoException).code;
    throw new InputError(
      path,
      code === 'ENOENT' ? 'there is no such file (any more).' : `cannot be read (${code ?? String(cause)}).`,
      { code: 'E_FRAME_UNREADABLE', cause, remedy: leaveOut },
    );
  }
}

let loaded: Promise<(bytes: Uint8Array) => Sharp> | undefined;

/** libvips keeps what it read by file name; frames are opened from bytes and read once, so its cache is only memory. */
const open = async (bytes: Uint8Array): Promise<Sharp> =>
  (
    await (loaded ??= import('sharp').then(({ default: sharp }) => {
      sharp.cache(false);
      // The pixel limit is our own (it names the option); libvips would refuse without saying how to go on.
      return (input) => sharp(input, { failOn: 'error', limitInputPixels: false, ignoreIcc: true });
    }))
  )(bytes);

/** How files of each format begin; dots stand for any character. */
const beginnings: readonly (readonly [format: string, start: RegExp])[] = [
  ['PNG', /^\x89PNG/],
  ['JPEG', /^\xff\xd8\xff/],
  ['TIFF', /^(II[*+]\0|MM\0[*+])/],
  ['WebP', /^RIFF....WEBP/s],
  ['AVIF', /^....ftypavi[fs]/s],
];

function unreadable(path: string, bytes: Uint8Array, cause: unknown): InputError {
  const start = String.fromCharCode(...bytes.subarray(0, 16));
  const format = beginnings.find(([, pattern]) => pattern.test(start))?.[0];
  const reason = cause instanceof Error ? cause.message.split('\n')[0]! : String(cause);
  const finding = format
    ? `it begins as a ${format} but is damaged or cut short (${reason})`
    : `it does not begin as a PNG, JPEG, WebP, TIFF or AVIF (${reason})`;
  return new InputError(path, `cannot be read as a picture: ${finding}.`, {
    code: 'E_FRAME_UNREADABLE',
    cause,
    remedy: leaveOut,
  });
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
