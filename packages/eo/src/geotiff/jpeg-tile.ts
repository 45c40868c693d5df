// Decodes a JPEG strip or tile of a TIFF (TIFF Technical Note 2), whose tables may stand apart.

/**
 * A JPEG of its own: the tables of the directory in front of the tile's, and a marker that says whether its
 * components are YCbCr. Without it decoders guess, and take RGB for YCbCr.
 */
export function wholeJpeg(tile: Uint8Array, tables: Uint8Array | undefined, yCbCr: boolean | undefined): Uint8Array {
  const parts: Uint8Array[] = [tile.subarray(0, 2)];
  if (yCbCr !== undefined) {
    // APP14 "Adobe", version 100; the last byte is the colour transform.
    const adobe = [0xff, 0xee, 0, 14, 0x41, 0x64, 0x6f, 0x62, 0x65, 0, 100, 0, 0, 0, 0, yCbCr ? 1 : 0];
    parts.push(Uint8Array.from(adobe));
  }
  // Tables come with a start and an end of image around them.
  if (tables && tables.length > 4) parts.push(tables.subarray(2, endsWithMarker(tables) ? -2 : undefined));
  parts.push(tile.subarray(2));
  return Buffer.concat(parts);
}

const endsWithMarker = (bytes: Uint8Array): boolean => bytes.at(-2) === 0xff && bytes.at(-1) === 0xd9;

/** Pixels of a JPEG or WebP picture, row by row, 8 bits a sample. */
export interface DecodedPicture {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly channels: number;
}

/**
 * Decodes with libvips; four `samples` of a JPEG come as they are stored, which libvips takes for inks and turns round.
 * Throws what it throws.
 */
export async function decodeWithSharp(
  bytes: Uint8Array,
  limitPixels: number,
  samples: number,
): Promise<DecodedPicture> {
  const { default: sharp } = await import('sharp');
  const picture = sharp(bytes, { limitInputPixels: limitPixels, failOn: 'error' });
  const inks = samples === 4 && bytes[0] === 0xff;
  const { data, info } = await (inks ? picture.pipelineColourspace('cmyk').toColourspace('cmyk') : picture)
    .raw()
    .toBuffer({ resolveWithObject: true });
  if (inks) for (let i = 0; i < data.length; i++) data[i] = 255 - data[i]!;
  return { data, width: info.width, height: info.height, channels: info.channels };
}
