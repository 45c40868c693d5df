// Reads what the header of a picture file says, without its pixels.

import { openRegularFile } from '@deepearth/core/regular-file';
import { pictureMetadata } from './picture-metadata.ts';
import { tiffPages } from './tiff-header.ts';

/** What a header says. */
export interface PictureHeader {
  /** Upright, after the EXIF orientation. */
  readonly width: number;
  readonly height: number;
  /** Pictures in the file, without thumbnails, overviews and masks. */
  readonly pages: number;
  /** Whether its values have more than 8 bits. */
  readonly wide: boolean;
}

/** Formats that hold several pictures. */
const paged: ReadonlySet<string> = new Set(['tiff', 'webp', 'heif', 'gif']);

/** The header of a file; `undefined` for one that cannot be read: decoding it says what is wrong. */
export async function pictureHeader(path: string): Promise<PictureHeader | undefined> {
  const about = await pictureMetadata(path);
  if (!about) return longHeader(path);
  const { width, height } = about.autoOrient;
  try {
    const pages = paged.has(about.format) ? await pagesOf(path, about.format, about.pages ?? 1) : 1;
    return { width, height, pages, wide: about.depth !== 'uchar' };
  } catch {
    return undefined;
  }
}

async function pagesOf(path: string, format: string, directories: number): Promise<number> {
  if (format !== 'tiff' || directories === 1) return directories;
  return (await pagesIn(path))?.length ?? directories;
}

/** The header of a TIFF of 64 bits, which libvips does not open. */
async function longHeader(path: string): Promise<PictureHeader | undefined> {
  const pages = await pagesIn(path).catch(() => undefined);
  const [first] = pages ?? [];
  return first?.long && { width: first.width, height: first.height, pages: pages!.length, wide: true };
}

async function pagesIn(path: string): Promise<Awaited<ReturnType<typeof tiffPages>>> {
  const file = await openRegularFile(path);
  try {
    return await tiffPages(async (offset, length) => {
      const { buffer, bytesRead } = await file.read(new Uint8Array(length), 0, length, offset);
      return buffer.subarray(0, bytesRead);
    });
  } finally {
    await file.close();
  }
}
