// Describes a raster that was made of tokens as a STAC item.

import { InputError, type Artifact, type Frame, type Json } from '@deepearth/core';
import type { CogRaster } from '../geotiff/write-cog.ts';
import { itemOfRaster } from './item-of-raster.ts';

/** A raster that was written, and the frames that it shows, in order. */
export interface WrittenRaster {
  readonly artifact: Artifact;
  readonly raster: CogRaster;
  readonly seen: readonly Frame[];
}

/** The item of a raster, which lies beside it; `name` says what was written: "kmeans". */
export function itemOfTokens(
  { id, sequence }: { readonly id: string; readonly sequence: string },
  name: string,
  { artifact: { path, bytes, sha256 }, raster, seen }: WrittenRaster,
): { readonly [member: string]: Json } {
  return itemOfRaster({
    ...raster,
    ...timesOf(id, seen),
    id: path.replace(/\.tif$/, '').replaceAll(/[^\w.-]+/g, '_'),
    title: `${name} of frames ${seen[0]!.number} to ${seen.at(-1)!.number} of ${sequence}`,
    href: `./${encodeURIComponent(path.split('/').at(-1)!)}`,
    bytes,
    sha256,
    bandNames: raster.colours
      ? ['red', 'green', 'blue', 'opacity']
      : (raster.bandNames ?? []).map((band, i) => band ?? String(i + 1)),
    visual: raster.colours === true,
  });
}

/**
 * The times of the first and of the last frame. Throws an `InputError` with the code E_NO_TIME for frames without
 * times, which an item cannot do without.
 */
export function timesOf(id: string, seen: readonly Frame[]): { readonly first: string; readonly last: string } {
  const times = seen.flatMap(({ at }) => at ?? []);
  const [first] = times;
  if (first !== undefined) return { first, last: times.at(-1)! };
  throw new InputError(id, 'was made of frames without times, and a STAC item has one.', {
    code: 'E_NO_TIME',
    remedy: 'Read them from files that say when they were taken, or leave `stac` out.',
  });
}
