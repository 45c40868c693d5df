// Hands the bands of a TIFF to libvips in a way that leaves them as they are.

import type { TiffPage } from './tiff-header.ts';

const whiteIsZero = 0;
/** Red, green, blue; inks; luminance and chroma. */
const colours: readonly number[] = [2, 5, 6];
const lab: readonly number[] = [8, 9, 10];
/** Samples of a sensor that stand for themselves (TIFF/EP): libvips does nothing to them. */
const linearRaw = 34_892;

/** How the bands of a TIFF are read. */
export interface TiffBands {
  /** The bytes of the file, or a copy that calls the bands of this page samples that stand for themselves. */
  readonly bytes: Uint8Array;
  /** Whether white is zero in the one colour that there is, and libvips was kept from turning it. */
  readonly inverted: boolean;
}

/**
 * libvips mixes up bands that are stored one after another (GDAL's `INTERLEAVE=BAND`) where the file calls them grey or
 * a palette, and where white is zero it turns the first of several bands alone. Bands that are no colours of one kind
 * are handed to it as samples that stand for themselves.
 */
export function tiffBands(bytes: Uint8Array, page: TiffPage | undefined): TiffBands {
  if (page?.photometricAt === undefined || page.bands === 1) return { bytes, inverted: false };
  const { photometric, photometricAt, separate, bands, extraSamples } = page;
  const opacities = extraSamples.filter((kind) => kind === 1 || kind === 2).length;
  const oneColour = bands - opacities < 3;
  if (colours.includes(photometric) || !(separate || (photometric === whiteIsZero && !oneColour)))
    return { bytes, inverted: false };
  const changed = bytes.slice();
  new DataView(changed.buffer).setUint16(photometricAt, linearRaw, bytes[0] === 0x49);
  return { bytes: changed, inverted: photometric === whiteIsZero && oneColour };
}

/** What the colours of a page are where they are none that can be shown; `undefined` for others. */
export function refusedColours({ photometric, bands }: TiffPage): string | undefined {
  if (lab.includes(photometric)) return 'colours as CIE L*a*b*';
  if (photometric === 32_845) return 'colours as LogLuv';
  if (photometric === 32_803 && bands === 1) return 'colours as the mosaic of a sensor (raw)';
  return undefined;
}
