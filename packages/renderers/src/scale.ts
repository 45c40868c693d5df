// Brings pictures to another size, and takes their opacity away.

import { tensor, type Tensor } from '@deepearth/core';
import { resizeWindow } from '@deepearth/vision/resize';

/** Rows that are made at a time, so that the kernel's memory does not grow with the picture. */
const bandBytes = 2 ** 20;

/** `[height, width, 3]`: opacity is laid over black. A picture without opacity is returned as it is. */
export function flattened(picture: Tensor<'uint8'>): Tensor<'uint8'> {
  const { shape, data } = picture;
  if (shape[2] === 3) return picture;
  const out = new Uint8Array((data.length / 4) * 3);
  for (let from = 0, to = 0; from < data.length; from += 4)
    for (let c = 0; c < 3; c++) out[to++] = Math.round((data[from + c]! * data[from + 3]!) / 255);
  return tensor('uint8', [shape[0]!, shape[1]!, 3], out);
}

/** The other edge of a picture whose edge of `own` pixels becomes `edge`. */
export const scaledEdge = (other: number, own: number, edge: number): number =>
  Math.max(1, Math.round((other * edge) / own));

/**
 * Brings the height (`byHeight`) or width of a picture `[height, width, 3]` to `edge`, the other in proportion. Squares
 * stay sharp at whole factors, everything else is interpolated: enlarged along curves through its pixels, reduced by
 * means over what a pixel covers (Lanczos). A larger picture lies in what `room` returns for its height and width.
 */
export async function scaled(
  picture: Tensor<'uint8'>,
  edge: number,
  byHeight: boolean,
  room: (height: number, width: number) => Uint8Array = (rows, columns) => new Uint8Array(rows * columns * 3),
): Promise<Tensor<'uint8'>> {
  const [height, width] = picture.shape as [number, number];
  const own = byHeight ? height : width;
  if (own === edge) return picture;
  const size = byHeight
    ? { height: edge, width: scaledEdge(width, height, edge) }
    : { width: edge, height: scaledEdge(height, width, edge) };
  if (size.height >= height && size.width >= width && edge % own !== 0) {
    const out = room(size.height, size.width);
    const rows = Math.max(1, Math.floor(bandBytes / (3 * size.width)));
    for (let y = 0; y < size.height; y += rows) {
      const band = { x: 0, y, width: size.width, height: Math.min(rows, size.height - y) };
      const source = { data: picture.data, height, width };
      resizeWindow(source, size.height, size.width, band, 'bicubic', out.subarray(3 * size.width * y));
    }
    return tensor('uint8', [size.height, size.width, 3], out);
  }
  const { default: sharp } = await import('sharp');
  const { data, info } = await sharp(picture.data, { raw: { width, height, channels: 3 }, limitInputPixels: false })
    .resize({ ...size, fit: 'fill', kernel: edge % own === 0 ? 'nearest' : 'lanczos3' })
    .raw()
    .toBuffer({ resolveWithObject: true });
  return tensor('uint8', [info.height, info.width, 3], new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
}
