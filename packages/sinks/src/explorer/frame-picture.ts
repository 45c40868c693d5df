// The picture of a frame that a page shows.

import type { Frame } from '@deepearth/core';
import { toRgb } from '@deepearth/vision/rgb';

/** Pixels of a picture whose longest edge is at most `edge`, in the proportions of the frame; never enlarged. */
export function pictureSize({ width, height }: Pick<Frame, 'width' | 'height'>, edge: number) {
  const scale = Math.min(1, edge / Math.max(width, height));
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

/** A JPEG. Of a large frame, means of whole blocks of pixels are read, at least as many as the picture has. */
export async function framePicture(
  frame: Frame,
  edge: number,
  quality: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const size = pictureSize(frame, edge);
  const overview = Math.max(1, Math.floor(Math.min(frame.width / size.width, frame.height / size.height)));
  const raster = await frame.read({ signal, ...(overview > 1 && { overview }) });
  const [height, width] = raster.values.shape as [number, number];
  const { default: sharp } = await import('sharp');
  return sharp(toRgb(raster, frame), { raw: { width, height, channels: 3 }, limitInputPixels: false })
    .resize({ ...size, fit: 'fill' })
    .jpeg({ quality, mozjpeg: false, optimiseCoding: false })
    .toBuffer();
}
