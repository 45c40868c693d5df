// A small picture of a picture.

/** Longest edge in pixels. */
const edge = 320;

/** A JPEG of at most 320 pixels a side; what is see-through becomes white. The same bytes make the same bytes. */
export async function thumbnail(picture: Uint8Array): Promise<Uint8Array> {
  const { default: sharp } = await import('sharp');
  return sharp(picture)
    .resize({ width: edge, height: edge, fit: 'inside', withoutEnlargement: true })
    .flatten({ background: '#ffffff' })
    .jpeg({ quality: 80, mozjpeg: false, optimiseCoding: false })
    .toBuffer();
}
