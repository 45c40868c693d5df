// Opens the picture file of a frame and decodes it as the options of its source say.

import { InputError, lineage, sha256, type Locator, type PartOptions, type Raster } from '@deepearth/core';
import { overviewRaster } from '@deepearth/core/raster-part';
import { decodePicture } from '@deepearth/vision/decode-picture';
import { isRemote, readRemote } from '@deepearth/runtime/remote-file';
import { readPictureFile, type PictureFile } from '@deepearth/vision/picture-file';
import { pictureHeader, type PictureHeader } from '@deepearth/vision/picture-header';
import { stretchRaster } from '@deepearth/vision/stretch';
import { z } from 'zod';
import { framesOptions, type FramesOptions } from './frames-options.ts';

/** What errors say to do about a picture that cannot be read. */
export const frameRemedy =
  'Copy it again or remove it; with `onError: skip` beside its `with`, the source goes on without it.';

/** A picture on a server that is larger is refused. */
const mostRemoteBytes = 2 ** 31 - 1;

/** A picture file and the digest of its bytes. */
export interface FrameFile extends PictureFile {
  readonly sha256: string;
}

/** What decides the pixels of a frame, beside the bytes of its file. */
export interface Decoding extends Pick<FramesOptions, 'maxPixels' | 'values' | 'bands'> {
  /** The values that become black and white, where the frame is stretched to 8 bits. */
  readonly range?: readonly [low: number, high: number] | undefined;
}

/**
 * Opens a page of a file. `known` is the file already read, for its other pages. Throws what `readPictureFile` throws.
 */
export async function openFrameFile(
  path: string,
  {
    maxPixels,
    page,
    known,
    signal,
  }: { maxPixels: number; page?: number | undefined; known?: FrameFile | undefined; signal?: AbortSignal | undefined },
): Promise<FrameFile> {
  const bytes =
    known?.bytes ?? (isRemote(path) ? await readRemote(path, { mostBytes: mostRemoteBytes, signal }) : path);
  const file = await readPictureFile(bytes, {
    maxPixels,
    page,
    name: path,
    remedy: frameRemedy,
    signal,
  });
  return { ...file, sha256: known?.sha256 ?? sha256(file.bytes) };
}

/** What a header says, of a file on a server too; `undefined` for one that cannot be read. */
export async function headerOf(path: string, signal?: AbortSignal): Promise<PictureHeader | undefined> {
  if (!isRemote(path)) return pictureHeader(path);
  try {
    const { width, height, pages, depth } = await openFrameFile(path, { maxPixels: 2 ** 48, signal });
    return { width, height, pages, wide: depth !== 'uint8' };
  } catch (error) {
    signal?.throwIfAborted();
    // All pictures of a bucket share its keys and its server: of these it is better to hear before the run.
    if (error instanceof InputError && !['E_S3', 'E_S3_BROKEN'].includes(error.code)) return undefined;
    throw error;
  }
}

/** The values as they are stored. */
const decodeStored = (file: PictureFile, { bands }: Decoding, part: PartOptions): Promise<Raster> =>
  decodePicture(file, { ...part, bands, keep16: true, remedy: frameRemedy });

/** Values as stored are what a cache keeps: a stretched frame is made of them anew for every reader. */
export const decodeKept = (file: PictureFile, decoding: Decoding, part: PartOptions = {}): Promise<Raster> =>
  decoding.values === 'stored' || decoding.range
    ? decodeStored(file, decoding, part)
    : decodePicture(file, { ...part, bands: decoding.bands, remedy: frameRemedy });

/**
 * What a reader gets of a kept raster: stretched first, then made smaller, so that a small copy is the mean of what is
 * shown.
 */
export const shown = (kept: Raster, { values, range }: Decoding, overview = 1): Raster =>
  overviewRaster(range && values === 'uint8' ? stretchRaster(kept, range) : kept, overview);

/** Another number where the same bytes and options come to give other pixels. */
const version = 3;

/**
 * The key of a frame whose file has this digest: identical bytes decoded under the same rules are the same frame,
 * wherever the file lies and whatever its number.
 */
export const frameKey = (digest: string, { values, bands, range }: Omit<Decoding, 'maxPixels'>, page = 0): string =>
  lineage('frame', version, digest, values, page, { bands: bands ?? null, range: range ?? null });

/** The key of what is kept of it, whatever the stretch. */
export const keptKey = (digest: string, decoding: Decoding, page = 0): string =>
  frameKey(digest, { ...decoding, values: decoding.range ? 'stored' : decoding.values, range: undefined }, page);

/** What a locator keeps of a decoding. */
export const decodeOf = ({ values, maxPixels, bands, range }: Decoding): NonNullable<Locator['decode']> => ({
  values,
  maxPixels,
  ...(bands && { bands }),
  ...(range && { range }),
});

const stored = framesOptions
  .pick({ maxPixels: true, values: true, bands: true })
  .extend({ range: z.tuple([z.number(), z.number()]).optional() });

/** The decoding that a locator keeps; that of the defaults where it says nothing that is understood. */
export function decodingOf({ decode = {} }: Pick<Locator, 'decode'>): Decoding {
  const parsed = stored.safeParse(decode);
  return parsed.success ? parsed.data : stored.parse({});
}

/** Reads the file behind a locator, as much of it as is wanted, and makes sure that it is still the one it was. */
export async function readKept(
  { uri, sha256: known, page }: Pick<Locator, 'uri' | 'sha256' | 'page'>,
  decoding: Decoding,
  part: PartOptions,
  signal: AbortSignal | undefined,
): Promise<Raster> {
  const file = await openFrameFile(uri, { maxPixels: decoding.maxPixels, page, signal });
  if (known !== undefined && file.sha256 !== known)
    throw new InputError(uri, 'has changed since it was first read.', {
      code: 'E_INPUT_CHANGED',
      remedy: 'Run again when nothing writes to the folder any more.',
    });
  return decodeKept(file, decoding, part);
}
