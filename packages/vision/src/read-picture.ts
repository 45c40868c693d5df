// Reads one picture file (PNG, JPEG, WebP, TIFF, GIF, AVIF) into a raster, at full size and without colour management,
// as Python's readers do.

import { readFile } from 'node:fs/promises';
import { InputError, tensor, type Raster } from '@deepearth/core';

export interface PictureOptions {
  /**
   * Pictures of more pixels are refused before they are decoded: a small file can hold a very large picture. Default
   * 2^28, 16,384 x 16,384.
   */
  readonly maxPixels?: number | undefined;
  /** Keep 16-bit values; otherwise they become 8-bit by `round(value / 257)`. */
  readonly keep16?: boolean | undefined;
  /** How errors call a picture that is given as bytes. */
  readonly name?: string | undefined;
}

/** Pixels only: drawings and documents (SVG, PDF) have no size of their own and may point to other files. */
const pictureFormats: ReadonlySet<string | undefined> = new Set([
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

/**
 * Reads a picture: EXIF orientation applied, no shrinking on load, an alpha channel kept as a last channel "alpha",
 * 16-bit values made 8-bit unless told. Throws an `InputError` naming the file when it is missing, empty, truncated, no
 * picture, or larger than `maxPixels`.
 */
export async function readPicture(
  source: string | Uint8Array,
  { maxPixels = 2 ** 28, keep16 = false, name }: PictureOptions = {},
): Promise<Raster> {
  const subject = name ?? (typeof source === 'string' ? source : 'picture');
  // Opened from bytes: libvips keeps what it read by file name, and the file may be another one by now.
  const bytes = typeof source === 'string' ? await readBytes(source, subject) : source;
  if (bytes.length === 0) throw new InputError(subject, 'it is empty (0 bytes).', { code: 'E_PICTURE_UNREADABLE' });
  const { default: sharp } = await import('sharp');
  // `ignoreIcc`: Pillow and OpenCV hand out the stored numbers, and so did the pipeline that trained the model.
  const open = () => sharp(bytes, { limitInputPixels: false, failOn: 'error', ignoreIcc: true });
  try {
    const about = await open().metadata();
    const { width = 0, height = 0, depth, hasAlpha = false, channels = 3, format } = about;
    if (!pictureFormats.has(format))
      throw new InputError(subject, `a file of the format ${JSON.stringify(format)} is no picture.`, {
        code: 'E_PICTURE_UNREADABLE',
        remedy: `Pictures are ${[...pictureFormats].join(', ')}.`,
      });
    if (width * height > maxPixels)
      throw new InputError(subject, `it has ${width} x ${height} pixels, the limit is ${maxPixels}.`, {
        code: 'E_PICTURE_TOO_LARGE',
        remedy: 'Raise `maxPixels` if the file can be trusted.',
      });
    if (depth !== 'uchar' && depth !== 'ushort')
      throw new InputError(subject, `it holds ${depth} values; a picture has 8 or 16 bits per channel.`, {
        code: 'E_PICTURE_UNREADABLE',
        remedy: 'Read it with a source for rasters.',
      });
    const grey = channels - (hasAlpha ? 1 : 0) === 1;
    const names = [...(grey ? ['grey'] : ['red', 'green', 'blue']), ...(hasAlpha ? ['alpha'] : [])];
    const wide = depth === 'ushort';
    const upright = open().autoOrient();
    const pipeline = wide
      ? upright.toColourspace(grey ? 'grey16' : 'rgb16').raw({ depth: 'ushort' })
      : upright.toColourspace(grey ? 'b-w' : 'srgb').raw({ depth: 'uchar' });
    const { data, info } = await pipeline.toBuffer({ resolveWithObject: true });
    if (info.channels !== names.length)
      throw new InputError(
        subject,
        `its ${channels} channels were read as ${info.channels}; this kind of picture is not supported.`,
      );
    const shape = [info.height, info.width, info.channels];
    if (!wide)
      return {
        values: tensor('uint8', shape, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
        channels: names,
      };
    const values = new Uint16Array(data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength));
    return {
      values: keep16
        ? tensor('uint16', shape, values)
        : tensor(
            'uint8',
            shape,
            Uint8Array.from(values, (value) => Math.round(value / 257)),
          ),
      channels: names,
    };
  } catch (cause) {
    if (cause instanceof InputError) throw cause;
    throw new InputError(
      subject,
      `it cannot be read as a picture: ${cause instanceof Error ? cause.message : String(cause)}`,
      { code: 'E_PICTURE_UNREADABLE', cause },
    );
  }
}

const readBytes = (path: string, subject: string): Promise<Uint8Array> =>
  readFile(path).catch((cause: NodeJS.ErrnoException) => {
    throw new InputError(
      subject,
      cause.code === 'ENOENT' ? 'there is no such file.' : `it cannot be read (${cause.code ?? cause.message}).`,
      { code: 'E_NO_FILE', cause },
    );
  });
