// Checks the checksums of deflated TIFFs, which libtiff passes by when it has enough pixels before a damaged stream
// ends.

import { createInflate } from 'node:zlib';
import type { Rectangle } from '@deepearth/core';
import type { PictureFile } from './picture-file.ts';
import { tiffBlocks, type TiffBlocks } from './tiff-header.ts';

/** Deflate as Adobe has it, and before. */
const deflated: ReadonlySet<number> = new Set([8, 32946]);
/** No value has more. */
const mostValueBytes = 16;

/**
 * Inflates the strips or tiles that a window (default: the picture) touches, and keeps nothing. Throws the inflater's
 * error where a checksum (Adler-32) does not hold. Resolves at once for other compressions, and leaves what is not
 * understood to libtiff.
 */
export async function checkDeflated(
  { bytes, libvipsPage }: Pick<PictureFile, 'bytes' | 'libvipsPage'>,
  window?: Rectangle,
): Promise<void> {
  const blocks = await tiffBlocks((offset, length) => bytes.subarray(offset, offset + length), libvipsPage);
  if (!blocks || !deflated.has(blocks.compression) || !blocks.highBitFirst) return;
  const most = blocks.width * blocks.height * blocks.samples * mostValueBytes;
  for (const index of touched(blocks, window)) {
    const [offset, length] = [blocks.offsets[index]!, blocks.bytes[index]!];
    // A block without bytes is one of GDAL's that are all nothing.
    if (length > 0 && offset + length <= bytes.length) await inflate(bytes.subarray(offset, offset + length), most);
  }
}

function* touched({ offsets, perPlane, across, width, height }: TiffBlocks, window?: Rectangle): Generator<number> {
  for (let index = 0; index < offsets.length; index++) {
    const x = ((index % perPlane) % across) * width;
    const y = Math.floor((index % perPlane) / across) * height;
    const inside =
      !window ||
      (x < window.x + window.width && x + width > window.x && y < window.y + window.height && y + height > window.y);
    if (inside) yield index;
  }
}

function inflate(bytes: Uint8Array, most: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const inflater = createInflate({ chunkSize: 1 << 18 });
    let total = 0;
    inflater.on('data', (chunk: Uint8Array) => {
      total += chunk.length;
      if (total > most) inflater.destroy(new Error('a deflated block holds more than its pixels'));
    });
    inflater.on('end', resolve);
    inflater.on('error', reject);
    inflater.end(bytes);
  });
}
