// Makes sure that the frames of a sequence have one size.

import { InputError } from '@deepearth/core';
import type { Size } from '@deepearth/vision/geometry';
import type { PictureFile } from '@deepearth/vision/picture-file';

export type { Size };

/** Throws an `InputError` for a picture of another size; `others` says which pictures have that size. */
export function sameSize(
  usual: Size,
  { name, pages, page, width, height }: Pick<PictureFile, 'name' | 'pages' | 'page' | keyof Size>,
  others: string,
): void {
  if (width === usual.width && height === usual.height) return;
  throw new InputError(
    pages > 1 ? `${name} (page ${page})` : name,
    `is ${width} x ${height} pixels, but ${others} ${usual.width} x ${usual.height}.`,
    {
      code: 'E_FRAME_SIZE',
      remedy:
        'Frames of one sequence have one size; resize it, or leave it out with `onError: skip`. `sizes: any` allows it where each clip has frames of one size, as `windower/still` makes them.',
    },
  );
}
