// Finds the bands of a file that are shown as red, green and blue.

import { closest, InputError } from '@deepearth/core';
import type { SeriesRaster } from './raster-stack.ts';

/** Bands of a file, from 0. */
export interface BandChoice {
  /** Those of red, green and blue; one where they are the same, or where a palette makes three of one. */
  readonly bands: readonly [number] | readonly [number, number, number];
  /** Whether values of the one band are places in the palette of the file. */
  readonly palette: boolean;
  /** Of the mask that the options name. */
  readonly mask?: number;
  /** How they were found, for people: "bands 1, 2 and 3 (B04, B03, B02), which the file calls red, green and blue". */
  readonly how: string;
}

type Wanted = readonly (number | string)[];

/** Throws an `InputError` with the code E_BANDS that names the file and what bands it has. */
export function chooseBands(raster: SeriesRaster, wanted: Wanted | undefined, mask?: number | string): BandChoice {
  const { name, bands, palette, maskFrom } = raster;
  const picture: Banded = { name, bands: bands.slice(0, maskFrom), palette };
  const found = wanted ? asked(picture, wanted) : usual(picture);
  if (maskFrom === undefined) return { ...found, ...(mask !== undefined && { mask: bandNumber(picture, mask) }) };
  return {
    ...found,
    mask: maskFrom + bandNumber({ name, bands: bands.slice(maskFrom) }, mask ?? 1),
  };
}

/** Bands of a raster, or some of them. */
interface Banded extends Pick<SeriesRaster, 'name' | 'bands'> {
  readonly palette: SeriesRaster['palette'];
}

function asked(raster: Banded, wanted: Wanted): Omit<BandChoice, 'mask'> {
  const bands = wanted.map((band) => bandNumber(raster, band)) as [number] | [number, number, number];
  return { bands, palette: false, how: `${named(raster, bands)}, as \`bands\` says` };
}

function usual(raster: Banded): Omit<BandChoice, 'mask'> {
  const { bands, palette } = raster;
  const called = (name: string): number => bands.findIndex(({ interpretation }) => interpretation === name);
  const colours = [called('red'), called('green'), called('blue')] as [number, number, number];
  if (colours.every((band) => band >= 0))
    return {
      bands: colours,
      palette: false,
      how: `${named(raster, colours)}, which the file calls red, green and blue`,
    };
  if (palette && bands.length === 1) return { bands: [0], palette: true, how: 'the colours of its palette' };
  const data = [...bands.keys()].filter((band) => bands[band]!.interpretation !== 'alpha');
  const first = (data.length >= 3 ? data.slice(0, 3) : data.slice(0, 1)) as [number] | [number, number, number];
  return {
    bands: first,
    palette: false,
    how: `${named(raster, first)}, the first of ${bands.length}: \`bands\` chooses others`,
  };
}

/** A number from 1, or a name that the file gives, as a number from 0. */
function bandNumber({ name, bands }: Pick<Banded, 'name' | 'bands'>, wanted: number | string): number {
  const names = bands.flatMap((band) => (band.name === undefined ? [] : [band.name]));
  const known = `it has ${bands.length} ${bands.length === 1 ? 'band' : 'bands'}${names.length ? ` (${names.slice(0, 20).join(', ')}${names.length > 20 ? ', …' : ''})` : ', which have no names'}`;
  if (typeof wanted === 'number') {
    if (wanted <= bands.length) return wanted - 1;
    throw new InputError(name, `has no band ${wanted}: ${known}.`, {
      code: 'E_BANDS',
      remedy: 'Count bands from 1, or name them.',
    });
  }
  const exact = bands.findIndex((band) => band.name === wanted);
  if (exact >= 0) return exact;
  const alike = bands.findIndex((band) => band.name?.toLowerCase() === wanted.toLowerCase());
  if (alike >= 0) return alike;
  const guess = closest(wanted, names);
  throw new InputError(name, `has no band ${JSON.stringify(wanted)}: ${known}.`, {
    code: 'E_BANDS',
    remedy: guess ? `Did you mean ${JSON.stringify(guess)}?` : 'Name one of them, or count from 1.',
  });
}

function named({ bands }: Pick<Banded, 'bands'>, chosen: readonly number[]): string {
  const names = chosen.map((band) => bands[band]!.name);
  const numbers = chosen.map((band) => band + 1);
  const what =
    numbers.length === 1 ? `band ${numbers[0]}` : `bands ${numbers.slice(0, -1).join(', ')} and ${numbers.at(-1)}`;
  return names.every((name) => name !== undefined) ? `${what} (${names.join(', ')})` : what;
}
