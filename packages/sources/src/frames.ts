// Reads a folder of numbered pictures as a sequence of frames.

import { basename, join, resolve } from 'node:path';
import {
  defineSource,
  frameId,
  InputError,
  lineage,
  partOfRaster,
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
import { z } from 'zod';
import { formatGaps, listFrames, type Listing } from './listing.ts';

const whole = z.number().int().nonnegative();

/** Options of `source/frames`. */
export const framesOptions = z.strictObject({
  directory: z.string().min(1).describe('The folder that holds the pictures: PNG, JPEG, WebP, TIFF or AVIF.'),
  pattern: z
    .string()
    .optional()
    .describe(
      'Regular expression for file names; its group `number`, or its first group, is the frame number. Default: every picture, numbered by the last digits of its name, or by the order of names where no name has digits.',
    ),
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
  summary: 'Reads a folder of numbered pictures in natural order.',
  options: framesOptions,
  examples: [
    '- type: source/frames\n  with: { directory: frames }',
    "- id: camera\n  type: source/frames\n  with: { directory: frames, pattern: 'frame_(?<number>\\d+)\\.tif$', first: 616, last: 631, intervalSeconds: 60 }",
  ],

  async survey(options: FramesOptions, signal): Promise<FramesSurvey> {
    const listing = await listFrames(options);
    const { width, height } = await open(join(options.directory, listing.files[0]!.file), options, signal);
    return { listing, width, height };
  },

  describe(_, { options, survey }) {
    if (options.fps !== undefined && options.intervalSeconds !== undefined)
      return refuse('both `fps` and `intervalSeconds` are given.', { option: 'fps', remedy: 'Keep the one you know.' });
    if (options.first !== undefined && options.last !== undefined && options.first > options.last)
      return refuse(`\`first\` (${options.first}) comes after \`last\` (${options.last}).`, { option: 'first' });
    const same = options.sizes === 'same';
    return {
      output: {
        ...spec(
          'frame',
          { height: same ? (survey?.height ?? null) : null, width: same ? (survey?.width ?? null) : null, channels: 3 },
          options.values === 'uint8' ? 'uint8' : null,
          survey?.listing.files.length ?? null,
        ),
        sequences: [sequenceOf(options)],
      },
      memoryBytes: options.cacheBytes,
      notes: survey ? remarks(survey.listing, options) : [],
    };
  },

  async *process(_, context) {
    const { options, signal } = context;
    const listing = context.survey?.listing ?? (await listFrames(options));
    check(listing, options);
    for (const remark of remarks(listing, options)) context.log.warn(`${options.directory}: ${remark}`);
    const cache = await cacheOf(context);
    const sequence = sequenceOf(options);
    const start = listing.files[0]!.number;
    const { first = 0, end = listing.files.length } = context.frameRange ?? {};
    const files = listing.files.slice(first, end);
    let leader: FrameFile | undefined;
    let done = 0;
    for (const { file, number } of files) {
      signal.throwIfAborted();
      const id = frameId(sequence, number, context.severalSequences);
      const frame = await context.attempt({ id }, async () => {
        const picture = await open(join(options.directory, file), options, signal);
        if (options.sizes === 'same' && leader) sameSize(leader, picture);
        const made = frameOf({ id, sequence, number }, picture, options, start, cache);
        if (options.verify && !cache.has(made.key)) await cache.set(made.key, await decode(picture, options));
        return { made, picture };
      });
      context.progress('frames', ++done, files.length);
      if (!frame) continue;
      const { made, picture } = frame;
      context.recordInput({ path: picture.name, bytes: picture.bytes.length, sha256: picture.sha256 });
      if (picture.pages > 1 && !leader)
        context.log.warn(`${picture.name} holds ${picture.pages} pictures; only the first of each file is read.`);
      leader ??= { ...picture, bytes: new Uint8Array(0) };
      yield made;
    }
  },

  async reopen(locator, { signal, ...part }) {
    const { maxPixels, values } = decodeOptions(locator);
    return readAgain(locator, { maxPixels, values }, part, signal);
  },
});

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
  { id, sequence, number }: Pick<Frame, 'id' | 'sequence' | 'number'>,
  { name: path, sha256: digest, width, height }: FrameFile,
  options: FramesOptions,
  start: number,
  cache: PixelCache,
): Frame {
  const interval = options.intervalSeconds ?? (options.fps === undefined ? undefined : 1 / options.fps);
  const key = frameKey(digest, options.values);
  const locator: Locator = {
    source: 'source/frames',
    uri: path,
    sha256: digest,
    decode: { values: options.values, maxPixels: options.maxPixels },
  };
  return {
    kind: 'frame',
    id,
    key,
    sequence,
    number,
    width,
    height,
    ...(interval !== undefined && { seconds: (number - start) * interval }),
    locator,
    async read({ signal, ...part }: ReadOptions = {}) {
      signal?.throwIfAborted();
      const kept = await cache.get(key);
      if (kept) return partOfRaster(kept, part);
      const raster = await readAgain(locator, options, part, signal);
      // Only whole frames are kept for other readers.
      if (!part.window && (part.overview ?? 1) === 1) await cache.set(key, raster);
      return raster;
    },
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

function check({ duplicates, gaps, missing }: Listing, options: FramesOptions): void {
  const [pair] = duplicates;
  if (pair && options.duplicates === 'error') {
    const more = duplicates.length > 1 ? ` (${duplicates.length} such pairs)` : '';
    throw new InputError(
      options.directory,
      `${pair[0].file} and ${pair[1].file} both have the frame number ${pair[0].number}${more}.`,
      {
        code: 'E_DUPLICATE_FRAME',
        remedy:
          'Remove one, say with `pattern` where the number stands, or take the first of each with `duplicates: first`.',
      },
    );
  }
  if (missing && options.gaps === 'error')
    throw new InputError(options.directory, `${missing} frame numbers are missing: ${formatGaps(gaps)}.`, {
      code: 'E_GAP',
      remedy: 'Add them, or go on without them with `gaps: warn`.',
    });
}

/** What is odd about a folder, for the plan and as warnings. */
function remarks({ unnumbered, gaps, missing, duplicates }: Listing, options: FramesOptions): string[] {
  const few = (names: readonly string[]) =>
    `${names.slice(0, 5).join(', ')}${names.length > 5 ? ` and ${names.length - 5} more` : ''}`;
  return [
    ...(missing
      ? [`${missing} frame ${missing === 1 ? 'number is' : 'numbers are'} missing: ${formatGaps(gaps)}`]
      : []),
    ...(unnumbered.length
      ? [
          `${unnumbered.length} ${unnumbered.length === 1 ? 'picture has' : 'pictures have'} no number in the name and ${unnumbered.length === 1 ? 'is' : 'are'} left out: ${few(unnumbered)}`,
        ]
      : []),
    ...(duplicates.length && options.duplicates === 'first'
      ? [
          `${duplicates.length} ${duplicates.length === 1 ? 'file repeats a frame number and is' : 'files repeat frame numbers and are'} left out: ${few(duplicates.map(([, { file }]) => file))}`,
        ]
      : []),
  ];
}
