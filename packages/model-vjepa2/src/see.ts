// Shows what the encoder gets of a picture: the 8-bit pixels after resizing and cutting, before they are normalised.

import { tensor, type Raster, type Tensor } from '@deepearth/core';
import { writeAtomically } from '@deepearth/onnx/cache';
import { readPicture, type PictureOptions } from '@deepearth/vision/read-picture';
import { prepareClip, type PreprocessOptions } from '@deepearth/vision/preprocess';
import { vjepa2PatchSize, vjepa2Processing } from './processing.ts';

export interface SeeOptions
  extends
    Omit<PreprocessOptions, 'names' | 'tubelet' | 'patchSize' | 'processing'>,
    Pick<PictureOptions, 'maxPixels'> {}

/**
 * `[height, width, 3]`; the tiles of `fit: 'tile'` stand side by side. Throws what reading and preparing throw, naming
 * the picture.
 */
export async function seePicture(path: string, options: SeeOptions): Promise<Tensor<'uint8'>> {
  return seeRaster(await readPicture(path, { maxPixels: options.maxPixels, keep16: options.range !== undefined }), {
    ...options,
    tubelet: 1,
    patchSize: vjepa2PatchSize,
    processing: vjepa2Processing,
    names: [path],
  });
}

/** What an encoder gets of pixels that are already read. */
export function seeRaster(raster: Raster, options: PreprocessOptions): Tensor<'uint8'> {
  const { bytes, tiles, height, width } = prepareClip([raster], options);
  const line = tiles.columns * width * 3;
  const out = new Uint8Array(tiles.rows * height * line);
  for (let row = 0; row < tiles.rows; row++)
    for (let column = 0; column < tiles.columns; column++) {
      const tile = bytes(0, row, column);
      for (let y = 0; y < height; y++)
        out.set(tile.subarray(y * width * 3, (y + 1) * width * 3), (row * height + y) * line + column * width * 3);
    }
  return tensor('uint8', [tiles.rows * height, tiles.columns * width, 3], out);
}

/** Writes `seePicture`'s pixels as a PNG, whole or not at all, and returns its size. */
export async function savePictureSeen(
  path: string,
  output: string,
  options: SeeOptions,
): Promise<{ height: number; width: number }> {
  const { shape, data } = await seePicture(path, options);
  const [height, width] = shape as [number, number, number];
  const { default: sharp } = await import('sharp');
  await writeAtomically(
    output,
    async (temporary) =>
      void (await sharp(data, { raw: { height, width, channels: 3 }, limitInputPixels: false })
        .png()
        .toFile(temporary)),
  );
  return { height, width };
}
