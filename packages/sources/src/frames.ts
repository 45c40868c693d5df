// Reads a folder of pictures as sequences of frames.

import { basename, join, resolve } from 'node:path';
import {
  defineSource,
  frameId,
  InputError,
  lineage,
  refuse,
  sha256,
  spec,
  type Frame,
  type Locator,
  type PartOptions,
  type Raster,
  type ReadOptions,
  type StageContext,
} from '@deepearth/core';
import { decodePicture } from '@deepearth/vision/decode-picture';
import { readPictureFile, type PictureFile } from '@deepearth/vision/picture-file';
import { pixelCache, type PixelCache } from '@deepearth/vision/pixel-cache';
import { readThrough, type ReadThrough } from '@deepearth/vision/read-through';
import { z } from 'zod';
import { formatGaps } from './gaps.ts';
import { isoOf, isTimeZone, secondsBetween } from './instant.ts';
import { listFrames, type Listing, type SequenceListing } from './listing.ts';
import { orders, type ListedFrame } from './order-frames.ts';
import { timeGroups } from './time-in-name.ts';

const whole = z.number().int().nonnegative();

const expression = z.string().superRefine((text, { addIssue }) => {
  try {
    new RegExp(text, 'u');
  } catch (error) {
    addIssue({ code: 'custom', message: (error as Error).message });
  }
});

/** Options of `source/frames`. */
export const framesOptions = z.strictObject({
  directory: z.string().min(1).describe('The folder that holds the pictures: PNG, JPEG, WebP, TIFF or AVIF.'),
  recursive: z
    .boolean()
    .default(false)
    .describe('Whether the folders in it are read too, each as a sequence of its own (a camera).'),
  pattern: expression
    .optional()
    .describe(
      'Regular expression for file names; its group `number`, or its first group, is the frame number. Default: every picture.',
    ),
  order: z
    .enum(orders)
    .optional()
    .describe(
      'What frames are ordered by. Default: `time`, where names or EXIF data say when pictures were taken; else `number`, the last digits of names; else `name`. By time or name, a frame is numbered by its position from 0, unless `pattern` has a number.',
    ),
  time: expression
    .refine((text) => /\(\?<(?:year|epoch)>/.test(text), 'it needs a group `year` or `epoch`')
    .optional()
    .describe(
      `Regular expression for file names whose named groups say when a picture was taken: ${timeGroups.join(', ')}. Default: the usual notations are recognised.`,
    ),
  timeZone: z
    .string()
    .refine(isTimeZone, 'it is no time zone: name one like "Europe/Berlin", or an offset like "+02:00"')
    .default('UTC')
    .describe('Of times that are written down without an offset: an IANA name or an offset.'),
  maxGapSeconds: z
    .number()
    .positive()
    .optional()
    .describe('A longer pause between two frames begins a new sequence. Default: pauses are not looked at.'),
  first: whole.optional().describe('The first frame number to read. Default: the lowest there is.'),
  last: whole.optional().describe('The last frame number to read. Default: the highest there is.'),
  fps: z
    .number()
    .positive()
    .optional()
    .describe('Frames per second of recording; gives frames their time. Not together with `intervalSeconds`.'),
  intervalSeconds: z
    .number()
    .positive()
    .optional()
    .describe('Seconds from one frame number to the next; gives frames their time.'),
  gaps: z
    .enum(['warn', 'error'])
    .default('warn')
    .describe('What missing frame numbers are: a warning that lists them, or an error.'),
  duplicates: z
    .enum(['error', 'first'])
    .default('error')
    .describe('Two files with one number: an error, or take the first by name and warn.'),
  sizes: z.enum(['same', 'any']).default('same').describe('Whether all frames must have the size of the first.'),
  values: z
    .enum(['uint8', 'stored'])
    .default('uint8')
    .describe('What becomes of 16-bit pictures: brought to 8 bits (divided by 257), or handed on as they are.'),
  verify: z
    .boolean()
    .default(true)
    .describe(
      'Decode every frame before it is passed on, so that a damaged file is found (and skipped with `onError: skip`) by itself instead of with its whole clip.',
    ),
  maxPixels: z
    .number()
    .int()
    .positive()
    .default(2 ** 28)
    .describe('Pictures of more pixels than this are refused before they are decoded.'),
  sequence: z
    .string()
    .min(1)
    .optional()
    .describe('Name of the sequence that the frames belong to. Default: the name of the folder.'),
  cacheBytes: z
    .number()
    .int()
    .nonnegative()
    .default(64 * 2 ** 20)
    .describe('Bytes of decoded pixels that are kept in memory, because encoder and renderers read the same frames.'),
  spillBytes: z
    .number()
    .int()
    .nonnegative()
    .default(4 * 2 ** 30)
    .describe(
      'Bytes of decoded pixels that are kept in the work folder beyond `cacheBytes`, so that none is decoded again.',
    ),
});

/** Options of `source/frames`, with their defaults. */
export type FramesOptions = z.output<typeof framesOptions>;

/** What the source finds before any pixel is read. */
export interface FramesSurvey {
  readonly listing: Listing;
  /** Width of the first frame, the only one that is opened. */
  readonly width: number;
  readonly height: number;
}

const remedy = 'Copy it again or remove it; with `onError: skip` the run goes on without it.';

/** A picture file and the digest of its bytes. */
interface FrameFile extends PictureFile {
  readonly sha256: string;
}

type Decoding = Pick<FramesOptions, 'maxPixels' | 'values'>;

async function open(path: string, { maxPixels }: Decoding, signal?: AbortSignal): Promise<FrameFile> {
  const file = await readPictureFile(path, { maxPixels, remedy, signal });
  return { ...file, sha256: sha256(file.bytes) };
}

const decode = (file: PictureFile, { values }: Decoding, part: PartOptions = {}): Promise<Raster> =>
  decodePicture(file, { ...part, keep16: values === 'stored', remedy });

/** Identical bytes decoded under the same rules are the same frame, wherever the file lies and whatever its number. */
const decoding = 1;

/** The key of a frame whose file has this digest. */
export const frameKey = (digest: string, values: FramesOptions['values']): string =>
  lineage('frame', decoding, digest, values);

/** The stage `source/frames`. */
export const frames = defineSource({
  type: 'frames',
  summary: 'Reads a folder of pictures in order of time, number or name.',
  options: framesOptions,
  examples: [
    '- type: source/frames\n  with: { directory: frames }',
    "- id: camera\n  type: source/frames\n  with: { directory: frames, pattern: 'frame_(?<number>\\d+)\\.tif$', first: 616, last: 631, intervalSeconds: 60 }",
  ],

  async survey(options: FramesOptions, signal): Promise<FramesSurvey> {
    const listing = await listFrames({ ...options, intervalSeconds: intervalOf(options), signal });
    const path = join(options.directory, listing.sequences[0]!.files[0]!.file);
    const { width, height } = await readPictureFile(path, { maxPixels: options.maxPixels, remedy, signal });
    return { listing, width, height };
  },

  describe(_, { options, survey }) {
    if (options.fps !== undefined && options.intervalSeconds !== undefined)
      return refuse('both `fps` and `intervalSeconds` are given.', { option: 'fps', remedy: 'Keep the one you know.' });
    if (options.first !== undefined && options.last !== undefined && options.first > options.last)
      return refuse(`\`first\` (${options.first}) comes after \`last\` (${options.last}).`, { option: 'first' });
    const same = options.sizes === 'same';
    const counts = survey?.listing.sequences.map(({ files }) => files.length);
    return {
      output: {
        ...spec(
          'frame',
          { height: same ? (survey?.height ?? null) : null, width: same ? (survey?.width ?? null) : null, channels: 3 },
          options.values === 'uint8' ? 'uint8' : null,
          counts?.reduce((sum, count) => sum + count, 0) ?? null,
        ),
        sequences:
          survey?.listing.sequences.map(({ name }) => name) ?? (options.recursive ? null : [sequenceOf(options)]),
        ...(counts && { counts }),
      },
      memoryBytes: options.cacheBytes,
      notes: survey
        ? [
            ...new Set(survey.listing.sequences.flatMap((each) => [howOrdered(each), ...remarks(each, options)])),
            ...spillNote(survey, options),
          ]
        : [],
    };
  },

  async *process(_, context) {
    const { options, signal, log } = context;
    const listing =
      context.survey?.listing ?? (await listFrames({ ...options, intervalSeconds: intervalOf(options), signal }));
    const cache = await cacheOf(context);
    const read = readThrough(cache);
    const { first = 0, end = Infinity } = context.frameRange ?? {};
    const parts = listing.sequences.map((each) => ({ each, files: each.files.slice(first, end) }));
    const total = parts.reduce((sum, { files }) => sum + files.length, 0);
    let leader: FrameFile | undefined;
    let done = 0;
    for (const { each, files } of parts) {
      check(each, options);
      log.info(`${each.name}: ${howOrdered(each)}`);
      for (const remark of remarks(each, options)) log.warn(`${options.directory}: ${remark}`);
      for (const listed of files) {
        signal.throwIfAborted();
        const id = frameId(each.name, listed.number, context.severalSequences);
        const frame = await context.attempt({ id }, async () => {
          const picture = await open(join(options.directory, listed.file), options, signal);
          if (options.sizes === 'same' && leader) sameSize(leader, picture);
          const made = frameOf(
            { id, sequence: each.name, ...timeOf(listed, each.files[0]!, options) },
            picture,
            options,
            read,
          );
          if (options.verify && !cache.has(made.key)) await read(made.key, () => decode(picture, options), { signal });
          return { made, picture };
        });
        context.progress('frames', ++done, total);
        if (!frame) continue;
        const { made, picture } = frame;
        context.recordInput({ path: picture.name, bytes: picture.bytes.length, sha256: picture.sha256 });
        if (picture.pages > 1 && !leader)
          log.warn(`${picture.name} holds ${picture.pages} pictures; only the first of each file is read.`);
        leader ??= { ...picture, bytes: new Uint8Array(0) };
        yield made;
      }
    }
  },

  async reopen(locator, { signal, ...part }) {
    const { maxPixels, values } = decodeOptions(locator);
    return readAgain(locator, { maxPixels, values }, part, signal);
  },
});

/** Seconds from one number to the next, where the options say so. */
const intervalOf = ({ intervalSeconds, fps }: FramesOptions): number | undefined =>
  intervalSeconds ?? (fps === undefined ? undefined : 1 / fps);

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

/** For people: "ordered by time (date in the names): 8 frames, 2024-01-31T23:40:00Z to 2024-02-01T00:15:00Z". */
function howOrdered({ order, reason, files }: SequenceListing): string {
  const [first, last] = [files[0]!, files.at(-1)!];
  const span =
    order === 'time'
      ? `${isoOf(first.instant!)} to ${isoOf(last.instant!)}`
      : `${basename(first.file)} to ${basename(last.file)}`;
  return `ordered by ${order} (${reason}): ${files.length} ${files.length === 1 ? 'frame' : 'frames'}, ${span}`;
}

/** The folder's own name, whatever the path to it. */
const sequenceOf = ({ sequence, directory }: FramesOptions): string =>
  sequence ?? (basename(resolve(directory)) || 'frames');

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

/** The options that decide the pixels, as a locator keeps them. */
function decodeOptions({ decode = {} }: Locator): Decoding {
  const parsed = framesOptions.pick({ maxPixels: true, values: true }).safeParse(decode);
  return parsed.success ? parsed.data : { maxPixels: 2 ** 28, values: 'uint8' };
}

/** Reads the file behind a locator, as much of it as is wanted, and makes sure that it is still the one it was. */
async function readAgain(
  { uri, sha256: known }: Locator,
  options: Decoding,
  part: PartOptions,
  signal: AbortSignal | undefined,
): Promise<Raster> {
  const file = await open(uri, options, signal);
  if (known !== undefined && file.sha256 !== known)
    throw new InputError(uri, 'has changed since it was first read.', {
      code: 'E_INPUT_CHANGED',
      remedy: 'Run again when nothing writes to the folder any more.',
    });
  return decode(file, options, part);
}

function frameOf(
  place: Pick<Frame, 'id' | 'sequence' | 'number' | 'at' | 'seconds'>,
  { name: path, sha256: digest, width, height }: FrameFile,
  options: FramesOptions,
  read: ReadThrough,
): Frame {
  const key = frameKey(digest, options.values);
  const locator: Locator = {
    source: 'source/frames',
    uri: path,
    sha256: digest,
    decode: { values: options.values, maxPixels: options.maxPixels },
  };
  return {
    ...place,
    kind: 'frame',
    key,
    width,
    height,
    locator,
    read: (wanted?: ReadOptions) =>
      read(key, ({ signal, ...part }) => readAgain(locator, options, part, signal), wanted),
  };
}

function sameSize(leader: PictureFile, { name, width, height }: PictureFile): void {
  if (width === leader.width && height === leader.height) return;
  throw new InputError(
    name,
    `is ${width} x ${height} pixels, but ${leader.name} is ${leader.width} x ${leader.height}.`,
    {
      code: 'E_FRAME_SIZE',
      remedy:
        'Frames of one sequence have one size; resize it, leave it out with `onError: skip`, or allow it with `sizes: any`.',
    },
  );
}

function check({ duplicates, files, gaps, missing }: SequenceListing, options: FramesOptions): void {
  const [pair] = duplicates;
  if (pair && options.duplicates === 'error') {
    const more = duplicates.length > 1 ? ` (${duplicates.length} such pairs)` : '';
    throw new InputError(
      options.directory,
      `${pair[0].file} and ${pair[1].file} both have the frame number ${pair[0].number}${more}.`,
      {
        code: 'E_DUPLICATE_FRAME',
        remedy:
          duplicates.length * 2 > files.length
            ? 'The last digits of these names are no numbers of frames: say with `pattern` where the number stands, or take the order of names with `order: name`.'
            : 'Remove one, say with `pattern` where the number stands, or take the first of each with `duplicates: first`.',
      },
    );
  }
  if (missing && options.gaps === 'error')
    throw new InputError(options.directory, `${missing} frame numbers are missing: ${formatGaps(gaps)}.`, {
      code: 'E_GAP',
      remedy: 'Add them, or go on without them with `gaps: warn`.',
    });
}

/** What the plan says of pixels that memory has no room for, as far as the first frame tells. */
function spillNote({ listing, width, height }: FramesSurvey, { cacheBytes, spillBytes }: FramesOptions): string[] {
  const mebibytes = (bytes: number): string => `${Math.ceil(bytes / 2 ** 20)} MiB`;
  const frameCount = listing.sequences.reduce((sum, { files }) => sum + files.length, 0);
  const pixels = frameCount * width * height * 3;
  if (pixels <= cacheBytes) return [];
  const beyond =
    pixels > cacheBytes + spillBytes ? ', and what has no room there is decoded again if it is drawn much later' : '';
  return [
    `the frames hold ${mebibytes(pixels)} of pixels: up to ${mebibytes(Math.min(pixels, spillBytes))} are kept in the work folder${beyond}`,
  ];
}

/** What is odd about a folder, for the plan and as warnings. */
function remarks(
  { order, leftOut, warnings, gaps, missing, duplicates }: SequenceListing,
  options: FramesOptions,
): string[] {
  const few = (names: readonly string[]) =>
    `${names.slice(0, 5).join(', ')}${names.length > 5 ? ` and ${names.length - 5} more` : ''}`;
  return [
    ...(missing
      ? [`${missing} frame ${missing === 1 ? 'number is' : 'numbers are'} missing: ${formatGaps(gaps)}`]
      : []),
    ...warnings,
    ...(leftOut.length
      ? [
          `${leftOut.length} ${leftOut.length === 1 ? 'picture has' : 'pictures have'} no ${order} in the name and ${leftOut.length === 1 ? 'is' : 'are'} left out: ${few(leftOut)}`,
        ]
      : []),
    ...(duplicates.length && options.duplicates === 'first'
      ? [
          `${duplicates.length} ${duplicates.length === 1 ? 'file repeats a frame number and is' : 'files repeat frame numbers and are'} left out: ${few(duplicates.map(([, { file }]) => file))}`,
        ]
      : []),
  ];
}
