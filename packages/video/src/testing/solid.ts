// Pictures of one colour.

import { tensor, type Picture } from '@deepearth/core';
import { makePictures } from '@deepearth/testing';

/** A picture of one colour, of three channels or four. */
export const solid = (rgb: readonly number[], number: number, width: number, height: number): Picture => ({
  ...makePictures(1, { first: number })[0]!,
  pixels: tensor(
    'uint8',
    [height, width, rgb.length],
    Uint8Array.from({ length: height * width * rgb.length }, (_, i) => rgb[i % rgb.length]!),
  ),
});
