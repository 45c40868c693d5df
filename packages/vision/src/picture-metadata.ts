// What libvips reads of the header of a picture file.

import { stat } from 'node:fs/promises';
import type { Metadata } from 'sharp';
import { maxBands } from './picture-file.ts';

/** The header of a file; `undefined` for one that cannot be read: decoding it says what is wrong. */
export async function pictureMetadata(path: string): Promise<Metadata | undefined> {
  // libvips would wait for a pipe, for ever.
  if (!(await stat(path).catch(() => undefined))?.isFile()) return undefined;
  const { default: sharp } = await import('sharp');
  // libvips keeps what it read by file name, and the file may be another one later.
  sharp.cache(false);
  try {
    return await sharp(path, { limitInputPixels: false, limitInputChannels: maxBands }).metadata();
  } catch {
    return undefined;
  }
}
