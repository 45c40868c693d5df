// Overviews and masks that lie in files beside a TIFF, under the names that GDAL gives them.

import { stat } from 'node:fs/promises';
import { InputError } from '@deepearth/core';
import type { ByteSource } from '@deepearth/core/byte-source';
import { openFile } from '@deepearth/formats/file-source-node';
import { isHttp } from '../http-source.ts';
import { readGdalMetadata } from './gdal-metadata.ts';
import { readTiffStructure } from './tiff-directory.ts';
import { tiffImage, type TiffImage } from './tiff-image.ts';

/** The names of the files that may lie beside `path`. */
export const sidecarNames = (path: string): readonly string[] =>
  isHttp(path) ? [] : ['.ovr', '.msk', '.msk.ovr'].map((ending) => path + ending);

/** Open files beside a TIFF. */
export interface Sidecars {
  readonly overviews?: ByteSource;
  readonly mask?: ByteSource;
  readonly maskOverviews?: ByteSource;
  close(): Promise<void>;
}

/** No files. */
export const noSidecars: Sidecars = { close: () => Promise.resolve() };

/** Those of the files beside a path that are there. */
export async function presentSidecars(path: string): Promise<string[]> {
  const present = await Promise.all(
    sidecarNames(path).map(async (name) => ((await stat(name).catch(() => undefined))?.isFile() ? [name] : [])),
  );
  return present.flat();
}

/**
 * Opens the files beside a path; none beside an address, where each would be one more request. Close them when done.
 */
export async function openSidecars(path: string): Promise<Sidecars> {
  const open: ByteSource[] = [];
  const close = async (): Promise<void> => {
    for (const source of open) await source.close();
  };
  try {
    for (const name of await presentSidecars(path)) open.push(await openFile(name));
  } catch (error) {
    await close();
    throw error;
  }
  const [ovr, msk, mskOvr] = sidecarNames(path).map((name) => open.find((source) => source.name === name));
  return {
    ...(ovr && { overviews: ovr }),
    ...(msk && { mask: msk }),
    // Overviews of a mask that is not there are nobody's.
    ...(msk && mskOvr && { maskOverviews: mskOvr }),
    close,
  };
}

/** All pictures of a file. Throws an `InputError` that names it where it is damaged. */
export async function picturesOf(source: ByteSource | undefined, signal?: AbortSignal): Promise<TiffImage[]> {
  if (!source) return [];
  const { directories, littleEndian } = await readTiffStructure(source, signal);
  return Promise.all(directories.map((directory) => tiffImage(source, directory, littleEndian)));
}

/** A mask of a file of its own. */
export interface SidecarMask {
  /** At full size, and smaller copies. */
  readonly pictures: readonly TiffImage[];
  /** The band of the mask that is that of a band; `undefined` where it says of none. */
  bandOf(band: number): number | undefined;
}

/** What a mask says of each band, from 1; without it, it is none. */
const flagsOf = 'INTERNAL_MASK_FLAGS_';
/** Among the flags: one mask for all bands. */
const perDataset = 2;

/**
 * The mask of a raster of this size; `undefined` where there is none, or one that says of no band that it is its mask.
 * Throws an `InputError` that names the file where it is damaged or of another size.
 */
export async function sidecarMask(
  { mask, maskOverviews }: Sidecars,
  { width, height }: Pick<TiffImage, 'width' | 'height'>,
  signal?: AbortSignal,
): Promise<SidecarMask | undefined> {
  if (!mask) return undefined;
  const pictures = await picturesOf(mask, signal);
  const [main] = pictures;
  if (main!.width !== width || main!.height !== height)
    throw new InputError(
      mask.name,
      `has ${main!.width} x ${main!.height} pixels, and its raster ${width} x ${height}.`,
      { code: 'E_TIFF_DAMAGED', remedy: 'Remove it if it belongs to another raster.' },
    );
  const { tags } = readGdalMetadata((await main!.directory.text('gdalMetadata')) ?? '');
  if (!Object.keys(tags).some((name) => name.startsWith(flagsOf))) return undefined;
  return {
    pictures: [...pictures, ...(await picturesOf(maskOverviews, signal))],
    bandOf(band) {
      const flags = tags[flagsOf + (band + 1)];
      if (flags === undefined) return undefined;
      return Number(flags) & perDataset ? 0 : band < main!.samples ? band : undefined;
    },
  };
}
