// Decodes TIFFs of values that libvips would bring to 8 bits: signed and floating-point ones, with geotiff.

import { tensor, type Raster, type Rectangle } from '@deepearth/core';
import type { PictureFile } from './picture-file.ts';

/**
 * Three bands (from 0) as they are stored, `[height, width, 3]`: int16 or float32.
 * Pixels are without data where a band is NaN or the value that GDAL calls no data. Throws whatever geotiff throws for a
 * damaged file.
 */
export async function decodeTiff(
  { bytes, libvipsPage, width, height, depth }: PictureFile,
  bands: readonly [red: number, green: number, blue: number],
  window: Rectangle = { x: 0, y: 0, width, height },
): Promise<Raster> {
  const { fromArrayBuffer } = await import('geotiff');
  const file = await fromArrayBuffer(bytes.slice().buffer);
  const image = await file.getImage(libvipsPage);
  const chosen = [...new Set(bands)];
  let planes;
  try {
    planes = await image.readRasters({
      samples: chosen,
      window: [window.x, window.y, window.x + window.width, window.y + window.height],
      interleave: false,
    });
  } catch (cause) {
    // It throws texts as well as errors.
    throw cause instanceof Error ? cause : new Error(String(cause));
  }
  const order = bands.map((band) => planes[chosen.indexOf(band)] as ArrayLike<number>);
  const pixels = window.width * window.height;
  const data = depth === 'int16' ? new Int16Array(pixels * 3) : new Float32Array(pixels * 3);
  const none = image.getGDALNoData();
  const valid = new Uint8Array(pixels).fill(1);
  for (let pixel = 0; pixel < pixels; pixel++)
    for (let channel = 0; channel < 3; channel++) {
      const value = order[channel]![pixel]!;
      data[pixel * 3 + channel] = value;
      if (Number.isNaN(value) || value === none) valid[pixel] = 0;
    }
  const shape = [window.height, window.width, 3];
  return {
    values: data instanceof Int16Array ? tensor('int16', shape, data) : tensor('float32', shape, data),
    channels: ['red', 'green', 'blue'],
    ...(valid.includes(0) && { valid }),
  };
}
