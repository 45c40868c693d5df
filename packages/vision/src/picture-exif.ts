// Reads when a picture was taken out of its EXIF data, as the camera wrote it down.

import { openRegularFile } from '@deepearth/core/regular-file';
import { pictureMetadata } from './picture-metadata.ts';
import { exifTexts, type ReadAt } from './tiff-header.ts';

/** The moment at which a picture was taken, in the words of EXIF 2.32; a text is empty where the file has none. */
export interface PictureExif {
  /** Tag 36867: "2024:03:31 01:30:00". */
  readonly dateTimeOriginal: string;
  /** Tag 37521, the digits behind the decimal point of the seconds: "25". */
  readonly subSecTimeOriginal: string;
  /** Tag 36881: "+01:00". */
  readonly offsetTimeOriginal: string;
}

const tags = { dateTimeOriginal: 36867, subSecTimeOriginal: 37521, offsetTimeOriginal: 36881 } as const;

/**
 * What the EXIF data of a picture file say of its moment; `undefined` where there are none, and where the file cannot
 * be read: decoding its pixels says what is wrong with it.
 */
export async function pictureExif(path: string): Promise<PictureExif | undefined> {
  const metadata = await pictureMetadata(path);
  if (!metadata) return undefined;
  const texts = metadata.format === 'tiff' ? await inFile(path) : metadata.exif && (await inBlock(metadata.exif));
  if (!texts) return undefined;
  const [dateTimeOriginal = '', subSecTimeOriginal = '', offsetTimeOriginal = ''] = texts.map((text) =>
    text.replaceAll('\0', '').trim(),
  );
  return dateTimeOriginal ? { dateTimeOriginal, subSecTimeOriginal, offsetTimeOriginal } : undefined;
}

const read = (readAt: ReadAt): Promise<readonly string[]> => exifTexts(readAt, Object.values(tags));

/** libvips hands out the EXIF data of other formats, and those of a TIFF lie in the file itself. */
async function inFile(path: string): Promise<readonly string[] | undefined> {
  try {
    const file = await openRegularFile(path);
    try {
      return await read(async (offset, length) => {
        const { buffer, bytesRead } = await file.read(new Uint8Array(length), 0, length, offset);
        return buffer.subarray(0, bytesRead);
      });
    } finally {
      await file.close();
    }
  } catch {
    return undefined;
  }
}

/** The block begins with "Exif" and two zeros in most formats. */
function inBlock(exif: Uint8Array): Promise<readonly string[]> {
  const marked = exif[0] === 0x45 && exif[1] === 0x78 && exif[2] === 0x69 && exif[3] === 0x66;
  const block = marked ? exif.subarray(6) : exif;
  return read((offset, length) => block.subarray(offset, offset + length));
}
