// The places of the clips of a bundle, each once.

import type { Clip, Frame } from '@deepearth/core';
import type { BundlePlace, BundlePlaces } from './bundle-index.ts';

/** Collects places. */
export interface PlaceTable {
  /**
   * The index of the place of a clip's frames; `undefined` where they have none. Of several places it is that of the
   * first.
   */
  add(clip: Pick<Clip, 'frames'>): number | undefined;
  /** `undefined` where no clip had a place. */
  list(): BundlePlaces | undefined;
}

/** Starts empty. */
export function placeTable(): PlaceTable {
  const systems = new Map<string, number>();
  const places = new Map<string, { readonly index: number; readonly place: BundlePlace }>();

  const systemOf = (crs: string): number => {
    const index = systems.get(crs) ?? systems.size;
    systems.set(crs, index);
    return index;
  };

  const placeOf = ({ georeference, position }: Pick<Frame, 'georeference' | 'position'>): BundlePlace | undefined => {
    if (georeference) return { system: systemOf(georeference.crs), transform: georeference.transform };
    return position && { longitude: position.longitude, latitude: position.latitude };
  };

  return {
    add({ frames }) {
      const placed = frames.find(({ georeference, position }) => georeference ?? position);
      const place = placed && placeOf(placed);
      if (!place) return undefined;
      const text = JSON.stringify(place);
      const index = places.get(text)?.index ?? places.size;
      places.set(text, { index, place });
      return index;
    },
    list: () =>
      places.size > 0
        ? { systems: [...systems.keys()], all: [...places.values()].map(({ place }) => place) }
        : undefined,
  };
}
