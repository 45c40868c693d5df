// Finds the place of the frames that an item was made of.

import { geometryOf, InputError, type Georeference, type Item } from '@deepearth/core';
import type { GridItem } from './grid-item.ts';

/** The one place of all frames, `undefined` where they have none. Throws an `InputError` where they have several. */
export function commonGeoreference(item: Pick<GridItem, 'id' | 'clip'>): Georeference | undefined {
  const frames = item.clip?.frames ?? [];
  const found = frames[0]?.georeference;
  const text = JSON.stringify(found);
  const other = frames.find(({ georeference }) => JSON.stringify(georeference) !== text);
  if (other)
    throw new InputError(
      item.id,
      `was made of frames of several places; ${other.id} lies elsewhere than ${frames[0]!.id}.`,
      {
        code: 'E_FRAME_PLACE',
        remedy: 'Frames of one clip show one place: use `windower/still` for pictures of several.',
      },
    );
  return found;
}

/** The place of the frames that a grid saw. Throws an `InputError` where they have none, or several. */
export function georeferenceOf(item: GridItem): Georeference {
  const found = commonGeoreference(item);
  if (!found || !geometryOf(item)) throw noPlace(item);
  return found;
}

const noPlace = ({ id }: Item): InputError =>
  new InputError(id, 'was made of frames without a place on the Earth.', {
    code: 'E_NO_PLACE',
    remedy: 'Read them with `source/geotiff` from files that have a coordinate system, or write pictures instead.',
  });
