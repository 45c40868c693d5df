// Reads a folder of pictures as sequences of frames.

import { availableParallelism } from 'node:os';
import { defineSource, frameId, frameBytes, readingBytes, refuse, spec, type Frame } from '@deepearth/core';
import { fitAtOnce } from '@deepearth/core/fit-at-once';
import { inOrder } from '@deepearth/core/in-order';
import { cacheBytesFor } from '@deepearth/vision/cache-options';
import { usualSize } from './frame-headers.ts';
import { sameSize } from './frame-size.ts';
import { framesOptions, intervalOf, sequenceOf, type FramesOptions } from './frames-options.ts';
import { check, howOrdered, oddFrames, remarks, spillNote } from './frames-remarks.ts';
import { isoOf, secondsBetween } from './instant.ts';
import { listFrames, type Listing, type SequenceListing } from './listing.ts';
import type { ListedFrame } from './order-frames.ts';
import { pathIn } from './picture-folder.ts';
import { pictureFrames, reopenPicture } from './picture-frames.ts';
import { findStretch, spread, stretchNote, type Series } from './series-stretch.ts';

export { framesOptions, type FramesOptions };

/** What the source finds before any pixel is read. */
export interface FramesSurvey {
  readonly listing: Listing;
  /** The size that most of the pictures have; absent where no header can be read. */
  readonly usual?: { readonly width: number; readonly height: number } | undefined;
}

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
  placement: ['cacheBytes', 'spillBytes'],
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
      memoryBytes: cacheBytesFor(options.cacheBytes, frameBytes(stream)) + readingBytes(stream),
      warnings: survey
        ? [
            ...(survey.usual ? [] : ['no picture of the folder can be read']),
            ...survey.listing.sequences.flatMap((each) => oddities(each, options)),
          ]
        : [],
      notes: survey
        ? [
            ...new Set(survey.listing.sequences.map(howOrdered)),
            ...stretchNote(options, hasWide(survey.listing)),
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
    const pictures = await pictureFrames(context);
    for (const each of listing.sequences) {
      check(each, options);
      log.info(`${each.name}: ${howOrdered(each)}`);
      for (const oddity of oddities(each, options)) log.warn(oddity);
    }
    pictures.stretched(await findStretch(seriesOf(listing, options), pictures.read, context));
    const parts = listing.sequences.map((each) => {
      const { first, end } = context.frameRange(each.name);
      return { each, files: each.files.slice(first, end) };
    });
    const total = parts.reduce((sum, { files }) => sum + files.length, 0);
    let done = 0;
    const odd = oddFrames();
    // Where no header told the usual size, the first picture that can be read does.
    const atOnce = usual ? fitAtOnce(3 * usual.width * usual.height, availableParallelism()) : 1;
    for (const { each, files } of parts) {
      const opened = inOrder(files, atOnce, async (listed) => {
        signal.throwIfAborted();
        const id = frameId(each.name, listed.number, context.severalSequences);
        const path = pathIn(options.directory, listed.file);
        const frame = await context.attempt({ id }, async () => {
          const picture = await pictures.open(path, listed.page);
          if (options.sizes === 'same') sameSize((usual ??= picture), picture, 'most pictures of the folder are');
          await pictures.verify(picture, listed.page);
          const place = { id, sequence: each.name, ...timeOf(listed, each.files[0]!, options) };
          return { made: pictures.frame(place, picture, listed.page), picture };
        });
        return { listed, frame };
      });
      for await (const { listed, frame } of opened) {
        context.progress('frames', ++done, total);
        if (!frame) {
          odd.skip();
          continue;
        }
        const { made, picture } = frame;
        odd.see(listed.file, picture.oddities);
        context.recordInput({ path: picture.name, bytes: picture.bytes.length, sha256: picture.sha256 });
        yield made;
      }
    }
    for (const remark of odd.remarks(total)) log.warn(`${options.directory}: ${remark}`);
  },

  known(sequence, { first, end }, { survey }) {
    const files = survey?.listing.sequences.find(({ name }) => name === sequence)?.files.slice(first, end) ?? [];
    return files.map(({ file, page = 0 }) => [file, page]);
  },

  reopen: reopenPicture,
});

/** What is odd about a sequence, in the plan and as warnings of a run. */
const oddities = (each: SequenceListing, options: FramesOptions): string[] =>
  remarks(each, options).map((remark) => `${options.directory}: ${remark}`);

const hasWide = ({ headers }: Listing): boolean => [...headers.values()].some(({ wide }) => wide);

/** The pictures of a folder, for the stretch. */
const seriesOf = ({ sequences, headers }: Listing, { directory }: FramesOptions): Series => {
  const files = sequences.flatMap((sequence) => sequence.files);
  return {
    total: files.length,
    sample: (most, wide) =>
      spread(wide ? files.filter(({ file }) => headers.get(file)?.wide) : files, most).map(({ file, page }) => ({
        path: pathIn(directory, file),
        page,
      })),
  };
};

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

/** Whether pictures of one sequence differ in size, as far as headers were looked at. */
const hasMixedSizes = ({ listing: { sequences, headers } }: FramesSurvey): boolean =>
  sequences.some(({ files }) => {
    const known = files.flatMap(({ file }) => headers.get(file) ?? []);
    return known.some(({ width, height }) => width !== known[0]!.width || height !== known[0]!.height);
  });
