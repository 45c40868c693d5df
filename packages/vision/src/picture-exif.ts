// Reads the EXIF data of a picture file, and nothing else of it.

import { pictureMetadata } from './picture-metadata.ts';

/**
 * The EXIF data of a picture file, from its header; `undefined` where there is none, and where the file cannot be read:
 * decoding its pixels says what is wrong with it.
 */
export const pictureExif = async (path: string): Promise<Uint8Array | undefined> => (await pictureMetadata(path))?.exif;
