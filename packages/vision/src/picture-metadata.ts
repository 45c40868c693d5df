// What libvips reads of the header of a picture file.

import { openRegularFile } from '@deepearth/core/regular-file';
import type { Metadata } from 'sharp';
import { maxBands } from './picture-file.ts';
import { kindBytes, refusedKind } from './picture-kind.ts';

/** The header of a file; `undefined` for one that cannot be read: decoding it says what is wrong. */
export async function pictureMetadata(path: string): Promise<Metadata | undefined> {
  if (!(await isPicture(path))) return undefined;
  const { default: sharp } = await import('sharp');
  // libvips keeps what it read by file name, and the file may be another one later.
  sharp.cache(false);
  try {
    return await sharp(path, { limitInputPixels: false, limitInputChannels: maxBands }).metadata();
  } catch {
    return undefined;
  }
}

/** Whether a path leads to a file, and one that may be handed to a decoder. */
async function isPicture(path: string): Promise<boolean> {
  try {
    const file = await openRegularFile(path);
    try {
      const { buffer, bytesRead } = await file.read(new Uint8Array(kindBytes), 0, kindBytes, 0);
      return refusedKind(buffer.subarray(0, bytesRead), path) === undefined;
    } finally {
      await file.close();
    }
  } catch {
    return false;
  }
}
