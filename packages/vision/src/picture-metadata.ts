// What libvips reads of the header of a picture file.

import { openRegularFile } from '@deepearth/core/regular-file';
import type { Metadata } from 'sharp';
import { maxBands } from './picture-file.ts';
import { kindBytes, refusedKind } from './picture-kind.ts';

/** Holds the header of nearly every JPEG and PNG, with its EXIF record. */
const headBytes = 1 << 16;

/** The header of a file; `undefined` for one that cannot be read: decoding it says what is wrong. */
export async function pictureMetadata(path: string): Promise<Metadata | undefined> {
  const head = await headOf(path);
  if (!head) return undefined;
  const { default: sharp } = await import('sharp');
  // libvips keeps what it read by file name, and the file may be another one later.
  sharp.cache(false);
  const read = async (source: string | Uint8Array): Promise<Metadata | undefined> => {
    try {
      return await sharp(source, { limitInputPixels: false, limitInputChannels: maxBands }).metadata();
    } catch {
      return undefined;
    }
  };
  // By its path libvips opens a file once for each format that it knows, which file systems on a network feel.
  return (isJpeg(head) || reachesPixels(head) ? await read(head) : undefined) ?? read(path);
}

/** The first bytes of a file; `undefined` where there is none, or where it may not be handed to a decoder. */
async function headOf(path: string): Promise<Uint8Array | undefined> {
  try {
    const file = await openRegularFile(path);
    try {
      const { buffer, bytesRead } = await file.read(new Uint8Array(headBytes), 0, headBytes, 0);
      const head = buffer.subarray(0, bytesRead);
      return refusedKind(head.subarray(0, kindBytes), path) === undefined ? head : undefined;
    } finally {
      await file.close();
    }
  } catch {
    return undefined;
  }
}

/** libjpeg reads the header up to the first scan, and refuses a file that ends before it. */
const isJpeg = (head: Uint8Array): boolean => head[0] === 0xff && head[1] === 0xd8 && head[2] === 0xff;

const pngSignature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/**
 * Whether a PNG's pixels begin here: what lies before them is all that a header says, and what is cut off would be
 * missed.
 */
function reachesPixels(head: Uint8Array): boolean {
  if (pngSignature.some((byte, at) => head[at] !== byte)) return false;
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  for (let at = 8; at + 8 <= head.length; at += 12 + view.getUint32(at))
    if (view.getUint32(at + 4) === 0x49444154) return true;
  return false;
}
