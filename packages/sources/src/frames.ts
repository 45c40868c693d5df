// Reads a folder of pictures as sequences of frames.

import { join } from 'node:path';
import {
  defineSource,
  frameId,
  InputError,
  readableFrame,
  readingBytes,
  refuse,
  spec,
  type Frame,
  type Locator,
  type LocatorReader,
  type StageContext,
} from '@deepearth/core';
import type { PictureFile } from '@deepearth/vision/picture-file';
import { pixelCache, type PixelCache } from '@deepearth/vision/pixel-cache';
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
import { usualSize } from './frame-headers.ts';
import { framesOptions, intervalOf, sequenceOf, type FramesOptions } from './frames-options.ts';
import { check, howOrdered, oddFrames, remarks, spillNote } from './frames-remarks.ts';
import { isoOf, secondsBetween } from './instant.ts';
import { listFrames, type Listing } from './listing.ts';
import type { ListedFrame } from './order-frames.ts';
import { findStretch, stretchNote, type Stretch } from './series-stretch.ts';

export { framesOptions, type FramesOptions };

/** What the source finds before any pixel is read. */
export interface FramesSurvey {
  readonly listing: Listing;
  /** The size that most of the pictures have; absent where no header can be read. */
  readonly usual?: { readonly width: number; readonly height: number } | undefined;
}

type Size = Pick<PictureFile, 'width' | 'height'>;

async function surveyOf(options: FramesOptions, signal: AbortSignal): Promise<FramesSurvey> {
  const listing = await listFrames({ ...options, intervalSeconds: intervalOf(options), signal });
  return { listing, usual: usualSize(listing.headers) };
}

/** The stage `source/frames`. */
export const frames = defineSource({
  type: 'frames',
  summary: 'Reads a folder of pictures in order of time, number or name.',
  options: framesOptions,
  reads: ['directory'],
  examples: [
    '- type: source/frames\n  with: { directory: frames }',
    "- id: camera\n  type: source/frames\n  with: { directory: frames, pattern: 'frame_(?<number>\\d+)\\.tif$', first: 616, last: 631, intervalSeconds: 60 }",
    '- id: scene\n  type: source/frames\n  with: { directory: scene, bands: [4, 3, 2], stretch: { range: [0, 3000] } }',
  ],

  survey: surveyOf,

  describe(_, { options, survey }) {
    if (options.fps !== undefined && options.intervalSeconds !== undefined)
      return refuse('both `fps` and `intervalSeconds` are given.', { option: 'fps', remedy: 'Keep the one you know.' });
    if (options.first !== undefined && options.last !== undefined && options.first > options.last)
      return refuse(`\`first\` (${options.first}) comes after \`last\` (${options.last}).`, { option: 'first' });
    const same = options.sizes === 'same';
    const counts = survey?.listing.sequences.map(({ files }) => files.length);
    const stream = spec(
      'frame',
      { height: (same && survey?.usual?.height) || null, width: (same && survey?.usual?.width) || null, channels: 3 },
      options.values === 'uint8' ? 'uint8' : null,
      counts?.reduce((sum, count) => sum + count, 0) ?? null,
    );
    return {
      output: {
        ...stream,
        sequences:
          survey?.listing.sequences.map(({ name }) => name) ??
          (options.recursive === true ? null : [sequenceOf(options)]),
        ...(counts && { counts }),
        ...(!same && survey && hasMixedSizes(survey) && { mixedSizes: true }),
      },
      memoryBytes: options.cacheBytes + readingBytes(stream),
      ...(survey && !survey.usual && { warnings: ['no picture of the folder can be read'] }),
      notes: survey
        ? [
            ...new Set(survey.listing.sequences.flatMap((each) => [howOrdered(each), ...remarks(each, options)])),
            ...stretchNote(options, survey.listing),
            ...spillNote(survey, options),
          ]
        : [],
    };
  },

  async *process(_, context) {
    const { options, signal, log } = context;
    const survey = context.survey ?? (await surveyOf(options, signal));
    const { listing } = survey;
    let { usual } = survey;
    const cache = await cacheOf(context);
    const read = readThrough(cache);
    for (const each of listing.sequences) {
      check(each, options);
      log.info(`${each.name}: ${howOrdered(each)}`);
      for (const remark of remarks(each, options)) log.warn(`${options.directory}: ${remark}`);
    }
    const decodings = decodingsOf(options, await findStretch(listing, read, context), read);
    const { first = 0, end = Infinity } = context.frameRange ?? {};
    const parts = listing.sequences.map((each) => ({ each, files: each.files.slice(first, end) }));
    const total = parts.reduce((sum, { files }) => sum + files.length, 0);
    let done = 0;
    const odd = oddFrames();
    for (const { each, files } of parts) {
      // The bytes of the file that was read last, for the other pages of it.
      let known: FrameFile | undefined;
      for (const listed of files) {
        signal.throwIfAborted();
        const id = frameId(each.name, listed.number, context.severalSequences);
        const path = join(options.directory, listed.file);
        const frame = await context.attempt({ id }, async () => {
          const picture = await openFrameFile(path, {
            maxPixels: options.maxPixels,
            page: listed.page,
            known: known?.name === path ? known : undefined,
            signal,
          });
          if (options.sizes === 'same') sameSize((usual ??= picture), picture);
          const decoding = decodings(picture);
          const place = { id, sequence: each.name, ...timeOf(listed, each.files[0]!, options) };
          const made = frameOf(place, picture, listed.page, decoding);
          const kept = keptKey(picture.sha256, decoding, listed.page);
          if (options.verify && !cache.has(kept)) await read(kept, () => decodeKept(picture, decoding), { signal });
          return { made, picture };
        });
        context.progress('frames', ++done, total);
        known = listed.page === undefined ? undefined : (frame?.picture ?? known);
        if (!frame) continue;
        const { made, picture } = frame;
        odd.see(listed.file, picture.oddities);
        context.recordInput({ path: picture.name, bytes: picture.bytes.length, sha256: picture.sha256 });
        yield made;
      }
    }
    for (const remark of odd.remarks()) log.warn(`${options.directory}: ${remark}`);
  },

  async reopen({ uri, sha256, page, decode }, { window, overview, signal }) {
    const decoding = decodingOf({ ...(decode && { decode }) });
    const kept = await readKept(
      { uri, ...(sha256 && { sha256 }), ...(page !== undefined && { page }) },
      decoding,
      { window },
      signal,
    );
    return shown(kept, decoding, overview);
  },
});

/**
 * How one picture is decoded: 8-bit pictures are stretched only where the options ask for it. All pictures share one of
 * two.
 */
function decodingsOf(
  { maxPixels, values, bands }: FramesOptions,
  stretch: Stretch | undefined,
  read: ReadThrough,
): (picture: PictureFile) => ReadingDecoding {
  const made = (range: Stretch['range'] | undefined): ReadingDecoding => {
    const decoding = { maxPixels, values, bands, range };
    return { ...decoding, decode: decodeOf(decoding), reader: frameReading(decoding, read) };
  };
  const plain = made(undefined);
  const stretched = stretch && made(stretch.range);
  return ({ depth }) => (stretched && (depth !== 'uint8' || !stretch.wideOnly) ? stretched : plain);
}

/** A decoding, what locators say of it, and what reads the frames that are decoded in this way. */
type ReadingDecoding = Decoding & Required<Pick<Locator, 'decode'>> & { readonly reader: LocatorReader };

/** A frame's number, instant, and seconds since the first frame of its sequence. */
function timeOf(
  { number, instant }: ListedFrame,
  start: ListedFrame,
  options: FramesOptions,
): Pick<Frame, 'number' | 'at' | 'seconds'> {
  const interval = intervalOf(options);
  const seconds =
    interval !== undefined
      ? (number - start.number) * interval
      : instant !== undefined && start.instant !== undefined
        ? secondsBetween(start.instant, instant)
        : undefined;
  return { number, ...(instant !== undefined && { at: isoOf(instant) }), ...(seconds !== undefined && { seconds }) };
}

/** One for all frames of the source; frames are read until the run ends. */
const cacheOf = ({ options, keep, workFolder }: StageContext<FramesOptions>): Promise<PixelCache> =>
  keep(
    () =>
      pixelCache({
        memoryBytes: options.cacheBytes,
        diskBytes: options.spillBytes,
        path: async () => join(await workFolder(), 'frames.pixels'),
      }),
    (cache) => cache.close(),
  );

function frameOf(
  place: Pick<Frame, 'id' | 'sequence' | 'number' | 'at' | 'seconds'>,
  { name: uri, sha256, width, height }: FrameFile,
  page: number | undefined,
  decoding: ReadingDecoding,
): Frame {
  const locator: Locator = {
    source: 'source/frames',
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
}

/** Reads frames that are decoded in one way, through the pixels that were decoded last. */
const frameReading =
  (decoding: Decoding, read: ReadThrough): LocatorReader =>
  async (locator, { window, overview, signal }) => {
    const wanted = { ...(window && { window }), ...(signal && { signal }) };
    const load: Parameters<ReadThrough>[1] = (part) => readKept(locator, decoding, part, part.signal);
    return shown(await read(keptKey(locator.sha256!, decoding, locator.page), load, wanted), decoding, overview);
  };

/** Whether pictures of one sequence differ in size, as far as headers were looked at. */
const hasMixedSizes = ({ listing: { sequences, headers } }: FramesSurvey): boolean =>
  sequences.some(({ files }) => {
    const known = files.flatMap(({ file }) => headers.get(file) ?? []);
    return known.some(({ width, height }) => width !== known[0]!.width || height !== known[0]!.height);
  });

function sameSize(usual: Size, { name, width, height }: PictureFile): void {
  if (width === usual.width && height === usual.height) return;
  throw new InputError(
    name,
    `is ${width} x ${height} pixels, but most pictures of the folder are ${usual.width} x ${usual.height}.`,
    {
      code: 'E_FRAME_SIZE',
      remedy:
        'Frames of one sequence have one size; resize it, or leave it out with `onError: skip`. `sizes: any` allows it where each clip has frames of one size, as `windower/still` makes them.',
    },
  );
}
