// Decodes TIFFs of values that libvips would bring to 8 bits: signed, 32-bit and floating-point ones, with geotiff.

import { InputError, tensor, type Raster, type Rectangle } from '@deepearth/core';
import type { PictureFile, TiffDepth } from './picture-file.ts';

/**
 * Three bands (from 0) as they are stored, `[height, width, 3]`: int16 or float32; 32-bit whole numbers and float64 are
 * rounded to float32. Pixels are without data where a band is NaN or the value that GDAL calls no data. Throws whatever
 * geotiff throws for a damaged file, and an `InputError` where a value is beyond float32, or all lie so close to one
 * another that float32 could not tell 256 levels of them.
 */
export async function decodeTiff(
  { name, bytes, libvipsPage, width, height }: PictureFile,
  depth: TiffDepth,
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
  let [least, most] = [Infinity, -Infinity];
  for (let pixel = 0; pixel < pixels; pixel++)
    for (let channel = 0; channel < 3; channel++) {
      const value = order[channel]![pixel]!;
      data[pixel * 3 + channel] = value;
      if (Number.isNaN(value) || value === none) {
        valid[pixel] = 0;
        // One that float32 does not hold, as GDAL's usual one of float64.
        if (Number.isFinite(value) && Math.abs(value) > largest) data[pixel * 3 + channel] = NaN;
      } else if (Number.isFinite(value)) {
        if (value < least) least = value;
        if (value > most) most = value;
      }
    }
  if (data instanceof Float32Array && depth !== 'float32' && most >= least) checkSingle(name, depth, least, most);
  const shape = [window.height, window.width, 3];
  return {
    values: data instanceof Int16Array ? tensor('int16', shape, data) : tensor('float32', shape, data),
    channels: ['red', 'green', 'blue'],
    ...(valid.includes(0) && { valid }),
  };
}

const largest = 3.4028234663852886e38;

/** Refuses values of other types that float32 does not hold, or not in 256 levels. */
function checkSingle(name: string, depth: TiffDepth, least: number, most: number): void {
  const far = Math.max(-least, most);
  const refuse = (why: string, remedy: string): never => {
    throw new InputError(name, `holds ${depth} values from ${least} to ${most}: ${why}.`, {
      code: 'E_VALUE_RANGE',
      remedy,
    });
  };
  if (far > largest)
    refuse(
      'pictures are read as float32, which ends at 3.4e38',
      'Say in the file which value is no data (GDAL_NODATA), or scale the values.',
    );
  // Steps of float32 are 2^-23 of the power of two below a value.
  const step = 2 ** (Math.floor(Math.log2(far)) - 23);
  if (most > least && (most - least) / step < 256)
    refuse(`pictures are read as float32, whose steps there are ${step}`, 'Subtract what they have in common first.');
}
