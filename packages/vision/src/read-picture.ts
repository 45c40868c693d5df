// Reads one picture file (PNG, JPEG, WebP, TIFF, GIF, AVIF) into a raster.

import type { Raster } from '@deepearth/core';
import { decodePicture, type DecodeOptions } from './decode-picture.ts';
import { readPictureFile, type PictureFileOptions } from './picture-file.ts';

export interface PictureOptions extends PictureFileOptions, DecodeOptions {}

/**
 * Reads a picture, given as a path or as the bytes of its file, to `[height, width, 3]`. Throws an `InputError` naming
 * the file when it is missing, empty, truncated, no picture, or larger than `maxPixels`.
 */
export const readPicture = async (source: string | Uint8Array, options: PictureOptions = {}): Promise<Raster> =>
  decodePicture(await readPictureFile(source, options), options);
