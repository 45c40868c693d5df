// Makes frames of picture files: opens them, decodes them as the options say, and keeps the pixels that were read last.

import { join } from 'node:path';
import { readableFrame, type Frame, type Locator, type LocatorReader, type StageContext } from '@deepearth/core';
import type { StageDefinition } from '@deepearth/core/stage';
import { pixelCache } from '@deepearth/vision/pixel-cache';
import { readThrough, type ReadThrough } from '@deepearth/vision/read-through';
import {
  decodeKept,
  decodeOf,
  decodingOf,
  frameKey,
  keptKey,
  openFrameFile,
  readKept,
  shown,
  type Decoding,
  type FrameFile,
} from './frame-file.ts';
import type { PictureOptions } from './picture-options.ts';
import type { Stretch } from './series-stretch.ts';

/** What a source says of a frame, beside its picture. */
export type FramePlace = Pick<Frame, 'id' | 'sequence' | 'number' | 'at' | 'seconds' | 'position' | 'metadata'>;

/** What is known of a picture file without its bytes. */
export type KnownPicture = Pick<FrameFile, 'name' | 'sha256' | 'width' | 'height' | 'depth'>;

/** Makes the frames of one source, all read through one cache. */
export interface PictureFrames {
  readonly read: ReadThrough;
  /** Sets the stretch of the frames that are made from now on. */
  stretched(stretch: Stretch | undefined): void;
  /** Opens a picture; the bytes of a file are kept for its next page. Throws what `readPictureFile` throws. */
  open(path: string, page?: number): Promise<FrameFile>;
  /**
   * Decodes an opened picture, so that a damaged one is found; nothing without `verify`, or where it was decoded
   * before.
   */
  verify(picture: FrameFile, page?: number): Promise<void>;
  /** The frame of a picture; the file is not looked at. */
  frame(place: FramePlace, picture: KnownPicture, page?: number): Frame;
}

/** Frames are read until the run ends. */
export async function pictureFrames<Options extends PictureOptions>({
  options,
  keep,
  readLater,
  workFolder,
  signal,
  type,
}: StageContext<Options>): Promise<PictureFrames> {
  const cache = await keep(
    () =>
      pixelCache({
        memoryBytes: options.cacheBytes,
        diskBytes: options.spillBytes,
        readLater,
        path: async () => join(await workFolder(), 'frames.pixels'),
      }),
    (opened) => opened.close(),
  );
  const read = readThrough(cache);
  const made = (range: Stretch['range'] | undefined): ReadingDecoding => {
    const decoding = { maxPixels: options.maxPixels, values: options.values, bands: options.bands, range };
    return { ...decoding, decode: decodeOf(decoding), reader: frameReading(decoding, read) };
  };
  const plain = made(undefined);
  // 8-bit pictures are stretched only where the options ask for it.
  let decodings = (_: Pick<KnownPicture, 'depth'>): ReadingDecoding => plain;
  /** The file that was opened last, where it has several pages. */
  let last: { readonly path: string; readonly file: Promise<FrameFile> } | undefined;

  return {
    read,
    stretched(stretch) {
      const stretched = stretch && made(stretch.range);
      decodings = ({ depth }) => (stretched && (depth !== 'uint8' || !stretch.wideOnly) ? stretched : plain);
    },
    open(path, page) {
      const former = last?.path === path ? last.file : undefined;
      const open = async (): Promise<FrameFile> => {
        const known = await former?.catch(() => undefined);
        return openFrameFile(path, { maxPixels: options.maxPixels, page, known, signal });
      };
      const file = open();
      last = page === undefined ? undefined : { path, file };
      return file;
    },
    async verify(picture, page) {
      const decoding = decodings(picture);
      const kept = keptKey(picture.sha256, decoding, page);
      if (options.verify && !cache.has(kept)) await read(kept, () => decodeKept(picture, decoding), { signal });
    },
    frame(place, picture, page) {
      const { name: uri, sha256, width, height } = picture;
      const decoding = decodings(picture);
      const locator: Locator = {
        source: type,
        uri,
        sha256,
        ...(page !== undefined && { page }),
        decode: decoding.decode,
      };
      return readableFrame(
        {
          ...place,
          kind: 'frame',
          key: frameKey(sha256, decoding, page),
          width,
          height,
          ...(decoding.range && decoding.values === 'stored' && { range: decoding.range }),
          locator,
        },
        decoding.reader,
      );
    },
  };
}

/** A decoding, what locators say of it, and what reads the frames that are decoded in this way. */
type ReadingDecoding = Decoding & Required<Pick<Locator, 'decode'>> & { readonly reader: LocatorReader };

/** Reads frames that are decoded in one way, through the pixels that were decoded last. */
const frameReading =
  (decoding: Decoding, read: ReadThrough): LocatorReader =>
  async (locator, { window, overview, signal }) => {
    const wanted = { ...(window && { window }), ...(signal && { signal }) };
    const load: Parameters<ReadThrough>[1] = (part) => readKept(locator, decoding, part, part.signal);
    return shown(await read(keptKey(locator.sha256!, decoding, locator.page), load, wanted), decoding, overview);
  };

/** `reopen` of the sources of picture files. */
export const reopenPicture: NonNullable<StageDefinition['reopen']> = async (
  { uri, sha256, page, decode },
  { window, overview, signal },
) => {
  const decoding = decodingOf({ ...(decode && { decode }) });
  const kept = await readKept(
    { uri, ...(sha256 && { sha256 }), ...(page !== undefined && { page }) },
    decoding,
    { window },
    signal,
  );
  return shown(kept, decoding, overview);
};
