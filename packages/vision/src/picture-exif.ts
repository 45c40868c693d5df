// Reads the EXIF data of a picture file, and nothing else of it.

/**
 * The EXIF data of a picture file, from its header; `undefined` where there is none, and where the file cannot be read:
 * decoding its pixels says what is wrong with it.
 */
export async function pictureExif(path: string): Promise<Uint8Array | undefined> {
  const { default: sharp } = await import('sharp');
  // libvips keeps what it read by file name, and the file may be another one later.
  sharp.cache(false);
  try {
    return (await sharp(path, { limitInputPixels: false }).metadata()).exif;
  } catch {
    return undefined;
  }
}
